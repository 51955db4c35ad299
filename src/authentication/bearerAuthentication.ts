import { hash } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { LRUCache } from 'lru-cache';
import { Passport } from 'passport';
import { ApiError, isError } from '../errors';
import {
  type AccessTokenPolicy,
  firstProblem,
  malformedProblem,
  permissionChecks,
  signatureProblems,
  type TokenProblem,
  validityChecks,
} from './accessTokenChecks';
import { AuthenticatedUser, setCaller } from './authenticatedUser';
import { EntraBearerStrategy, unknownKey } from './bearerStrategy';
import type { Challenges } from './challenge';
import type { EntraAuthority } from '../entra/entraAuthority';
import { decodeJwt, type DecodedJwt, isSignedBy } from './jwt';

export interface BearerAuthenticationOptions {
  authority: EntraAuthority;
  authorityHost: string;
  tenantId: string;
  clientId: string;
  policy: Omit<AccessTokenPolicy, 'issuers'>;
  challenges: Challenges;
  cacheSize: number;
}

/** A token is not verified again for this long. */
const verificationCacheTtlInMs = 5 * 60_000;
const maxRejectedTokens = 1_000;

/** Lets callers pass who show a good access token (`getCaller` tells who); sends all others to the error handler. */
export function createBearerAuthentication(options: BearerAuthenticationOptions): RequestHandler {
  const { authority, authorityHost, tenantId, clientId, challenges } = options;
  const policy: AccessTokenPolicy = {
    ...options.policy,
    get issuers() {
      return authority.current()?.issuers ?? [];
    },
  };
  const strategy = new EntraBearerStrategy({
    authority,
    discoveryUrl: `${authorityHost}/${tenantId}/v2.0/.well-known/openid-configuration`,
    clientId,
    audiences: policy.audiences,
  });
  // A Passport of our own: the package's default export is shared by all who load it.
  const passport = new Passport().use(strategy);

  // What tokens have turned out to be, by their hash. Emptied when keys change: a withdrawn key must not live on.
  const users = new LRUCache<string, AuthenticatedUser>({
    max: options.cacheSize,
    ttl: verificationCacheTtlInMs,
  });
  // In a memory of their own, so that bad tokens, which anybody can make, do not push out the good ones.
  const rejectedTokens = new LRUCache<string, TokenProblem>({
    max: maxRejectedTokens,
    ttl: verificationCacheTtlInMs,
  });
  authority.onKeysChanged(() => {
    users.clear();
    rejectedTokens.clear();
  });

  const invalid = ({ code, message }: TokenProblem) => challenges.invalidToken(code, message);

  /**
   * Throws for all that can be told without the strategy, which would find out too, at twice the cost. First for what the
   * token says of itself, so that only plausible ones cost a signature check; and without waiting where the key is known.
   */
  async function verifyToken(accessToken: string, tokenHash: string): Promise<DecodedJwt> {
    const jwt = decodeJwt(accessToken);
    if (!jwt) throw invalid(malformedProblem);
    const { signingKeys } = authority.current() ?? (await authority.metadata());
    const found = firstProblem(validityChecks, jwt, policy, nowInSeconds());
    if (found) {
      if (found.check.permanent) rejectedTokens.set(tokenHash, found.problem);
      throw invalid(found.problem);
    }
    const keyId = String(jwt.header.kid);
    const key = signingKeys.get(keyId) ?? (await authority.signingKey(keyId));
    if (!key) throw invalid(signatureProblems.unknownKey);
    if (!isSignedBy(key, accessToken)) {
      rejectedTokens.set(tokenHash, signatureProblems.badSignature);
      throw invalid(signatureProblems.badSignature);
    }
    return jwt;
  }

  function verifySignature(request: Request, response: Response): Promise<TokenProblem | undefined> {
    return new Promise((resolve, reject) => {
      const onVerdict = (error: unknown, claims: unknown, reason: unknown) => {
        if (error) reject(isError(error) ? error : new Error('the bearer strategy failed'));
        else if (claims) resolve(undefined);
        else if (reason === unknownKey) resolve(signatureProblems.unknownKey);
        // All that the strategy checks has been checked before: a bad token does not get this far.
        else reject(new Error('the bearer strategy rejected a token that had passed the same checks'));
      };
      const check = passport.authenticate(strategy.name, { session: false }, onVerdict) as RequestHandler;
      // passport-azure-ad also looks for a token in the body and the query, which may belong to an app that mounts us.
      const headersOnly = Object.create(request, {
        body: { value: undefined },
        query: { value: undefined },
      }) as Request;
      void check(headersOnly, response, reject);
    });
  }

  function requirePermission(jwt: DecodedJwt): void {
    const found = firstProblem(permissionChecks, jwt, policy, nowInSeconds());
    if (found) throw challenges.forbidden(found.check.code, found.problem.message);
  }

  async function authenticate(
    request: Request,
    response: Response,
    accessToken: string,
    tokenHash: string,
  ): Promise<AuthenticatedUser> {
    const jwt = await verifyToken(accessToken, tokenHash);
    const problem = await verifySignature(request, response);
    if (problem) throw invalid(problem);
    requirePermission(jwt);
    const user = new AuthenticatedUser(jwt, accessToken, tokenHash);
    users.set(tokenHash, user);
    return user;
  }

  return (request: Request, response: Response, next: NextFunction) => {
    const accessToken = bearerTokenOf(request, challenges);
    const tokenHash = hash('sha256', accessToken, 'base64url');
    const rejection = rejectedTokens.get(tokenHash);
    if (rejection) throw invalid(rejection);
    const known = users.get(tokenHash);
    if (known && known.expiresAt > nowInSeconds()) {
      setCaller(response, known);
      next();
      return;
    }
    authenticate(request, response, accessToken, tokenHash).then((user) => {
      setCaller(response, user);
      next();
    }, next);
  };
}

/** The token of the Authorization header, the only place that counts (RFC 6750 section 2.1). */
function bearerTokenOf(request: Request, challenges: Challenges): string {
  const { authorization } = request.headers;
  const inQuery = /[?&]access_token=/i.test(request.url);
  const [, token] = /^Bearer (\S+)$/i.exec(authorization ?? '') ?? [];
  if (token && (inQuery || countHeader(request, 'authorization') > 1)) {
    throw new ApiError(
      'invalid_request',
      'Send one access token, in one Authorization header, and none in the address.',
      {
        target: inQuery ? 'access_token' : 'Authorization',
      },
    );
  }
  if (token) return token;
  if (authorization && /^Bearer +\S/i.test(authorization)) {
    throw challenges.invalidToken(
      'malformed_token',
      'The Authorization header must be: Bearer <access token>.',
    );
  }
  throw challenges.missingToken(
    inQuery
      ? 'An access token in the address is not accepted: send it in the header Authorization: Bearer <access token>.'
      : 'Sign in with Microsoft Entra ID and send the access token in the header Authorization: Bearer <access token>.',
  );
}

/** How often a header was sent: Node keeps only the first of several Authorization headers. */
function countHeader({ rawHeaders }: Request, name: string): number {
  return rawHeaders.filter(
    (text, index) => index % 2 === 0 && text.length === name.length && text.toLowerCase() === name,
  ).length;
}

function nowInSeconds(): number {
  return Date.now() / 1_000;
}
