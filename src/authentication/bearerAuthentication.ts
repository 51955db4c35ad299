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
  unknownKeyProblem,
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

/** Passes on requests with a valid access token (`getCaller` returns the user); all others go to the error handler. */
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
  // A separate instance: the package's default export is shared by everything that loads it.
  const passport = new Passport().use(strategy);

  // Verified tokens by their hash. Cleared when keys change, so that no token of a withdrawn key is accepted.
  const users = new LRUCache<string, AuthenticatedUser>({
    max: options.cacheSize,
    ttl: verificationCacheTtlInMs,
  });
  // A separate cache: anyone can send invalid tokens, and they must not evict the valid ones.
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
   * Rejects a token without the strategy, which would take twice the time. Claims come first, so that only plausible tokens
   * cost a signature check. Does not wait if the key is cached.
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
    if (!key) throw invalid(unknownKeyProblem(jwt, tenantId));
    if (!isSignedBy(key, accessToken)) {
      rejectedTokens.set(tokenHash, signatureProblems.badSignature);
      throw invalid(signatureProblems.badSignature);
    }
    return jwt;
  }

  function verifySignature(
    request: Request,
    response: Response,
    jwt: DecodedJwt,
  ): Promise<TokenProblem | undefined> {
    return new Promise((resolve, reject) => {
      const onResult = (error: unknown, claims: unknown, reason: unknown) => {
        if (error) reject(isError(error) ? error : new Error('the bearer strategy failed'));
        else if (claims) resolve(undefined);
        else
          resolve(reason === unknownKey ? unknownKeyProblem(jwt, tenantId) : signatureProblems.badSignature);
      };
      const check = passport.authenticate(strategy.name, { session: false }, onResult) as RequestHandler;
      void check(request, response, reject);
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
    const problem = await verifySignature(request, response, jwt);
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
    const cachedUser = users.get(tokenHash);
    if (cachedUser && cachedUser.expiresAt > nowInSeconds()) {
      setCaller(response, cachedUser);
      next();
      return;
    }
    authenticate(request, response, accessToken, tokenHash).then((user) => {
      setCaller(response, user);
      next();
    }, next);
  };
}

/** The token from the Authorization header, the only place where one is accepted (RFC 6750 section 2.1). */
function bearerTokenOf(request: Request, challenges: Challenges): string {
  const { authorization } = request.headers;
  const inQuery = /[?&]access_token=/i.test(request.url);
  const [, token] = /^Bearer (\S+)$/i.exec(authorization ?? '') ?? [];
  if (token && (inQuery || countHeader(request, 'authorization') > 1)) {
    throw new ApiError(
      'invalid_request',
      inQuery
        ? 'The access token was sent in the URL as well. Send it in the Authorization header only.'
        : 'The Authorization header was sent more than once. Send it once.',
      { target: inQuery ? 'access_token' : 'Authorization' },
    );
  }
  if (token) return token;
  if (authorization && /^Bearer +\S/i.test(authorization)) {
    throw challenges.invalidToken(
      'malformed_token',
      `The Authorization header contains extra spaces. ${howToSend}`,
    );
  }
  throw challenges.missingToken(missingTokenMessage(authorization, inQuery));
}

const howToSend = 'Send: Authorization: Bearer <access token>.';

function missingTokenMessage(authorization: string | undefined, inQuery: boolean): string {
  if (inQuery) return `An access token in the URL is not accepted. ${howToSend}`;
  if (!authorization) return `No access token. Sign in with Microsoft Entra ID. ${howToSend}`;
  return /^Bearer$/i.test(authorization)
    ? `The Authorization header has no access token. ${howToSend}`
    : `The Authorization header has no Bearer prefix. ${howToSend}`;
}

/** How often a header was sent; `headers` has only the first Authorization header. */
function countHeader({ rawHeaders }: Request, name: string): number {
  return rawHeaders.filter(
    (text, index) => index % 2 === 0 && text.length === name.length && text.toLowerCase() === name,
  ).length;
}

function nowInSeconds(): number {
  return Date.now() / 1_000;
}
