import { hash } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { LRUCache } from 'lru-cache';
import { Passport } from 'passport';
import { ApiError } from '../errors';
import { type AccessTokenPolicy, firstProblem, permissionChecks, validityChecks } from './accessTokenChecks';
import { AuthenticatedUser, setCaller } from './authenticatedUser';
import { EntraBearerStrategy, unknownKey } from './bearerStrategy';
import type { Challenges } from './challenge';
import type { EntraAuthority } from './entraAuthority';
import { decodeJwt, type DecodedJwt } from './jwt';

export interface BearerAuthenticationOptions {
  authority: EntraAuthority;
  authorityHost: string;
  tenantId: string;
  clientId: string;
  policy: Omit<AccessTokenPolicy, 'issuers'>;
  challenges: Challenges;
  cacheSize: number;
}

/** A verified token is not verified again for this long; see `verified` below. */
const verifiedTokenLifetimeInMs = 5 * 60_000;

/** Lets callers pass who show a good access token (`getCaller` tells who); sends all others to the error handler. */
export function createBearerAuthentication(options: BearerAuthenticationOptions): RequestHandler {
  const { authority, authorityHost, tenantId, clientId, policy, challenges } = options;
  const strategy = new EntraBearerStrategy({
    authority,
    discoveryUrl: `${authorityHost}/${tenantId}/v2.0/.well-known/openid-configuration`,
    clientId,
    audiences: policy.audiences,
  });
  // A Passport of our own: the package's default export is shared by all who load it.
  const passport = new Passport().use(strategy);

  /** By hash, so that no token lies about in memory twice. Emptied when keys change: a withdrawn key must not live on. */
  const verified = new LRUCache<string, AuthenticatedUser>({
    max: options.cacheSize,
    ttl: verifiedTokenLifetimeInMs,
  });
  authority.onKeysChanged(() => verified.clear());

  /** Throws for all that can be told from the token itself, so that only plausible ones cost a signature check. */
  async function readPlausible(accessToken: string): Promise<DecodedJwt> {
    const jwt = decodeJwt(accessToken);
    if (!jwt) throw challenges.invalidToken('malformed_token', 'The access token is not a JSON Web Token.');
    const { issuers } = await authority.metadata();
    const found = firstProblem(validityChecks, jwt, { ...policy, issuers }, nowInSeconds());
    if (found) throw challenges.invalidToken(found.problem.code, found.problem.message);
    return jwt;
  }

  function verifySignature(request: Request, response: Response): Promise<void> {
    return new Promise((resolve, reject) => {
      const onVerdict = (error: unknown, claims: unknown, reason: unknown) => {
        if (error) reject(error instanceof Error ? error : new Error('the bearer strategy failed'));
        else if (claims) resolve();
        else if (reason === unknownKey) {
          reject(
            challenges.invalidToken(
              'unknown_key',
              'Microsoft Entra ID has no key of that id (kid): the access token is of another cloud or tenant, or forged.',
            ),
          );
        } else
          reject(challenges.invalidToken('bad_signature', 'The signature of the access token is wrong.'));
      };
      const check = passport.authenticate(strategy.name, { session: false }, onVerdict) as RequestHandler;
      void check(request, response, reject);
    });
  }

  function requirePermission(jwt: DecodedJwt): void {
    const found = firstProblem(permissionChecks, jwt, { ...policy, issuers: [] }, nowInSeconds());
    if (found) throw challenges.forbidden(found.check.code, found.problem.message);
  }

  async function authenticate(request: Request, response: Response): Promise<void> {
    const accessToken = bearerTokenOf(request, challenges);
    const tokenHash = hash('sha256', accessToken, 'base64url');
    const known = verified.get(tokenHash);
    if (known && known.expiresAt > nowInSeconds()) {
      setCaller(response, known);
      return;
    }
    const jwt = await readPlausible(accessToken);
    await verifySignature(request, response);
    requirePermission(jwt);
    const user = new AuthenticatedUser(jwt, accessToken, tokenHash);
    verified.set(tokenHash, user);
    setCaller(response, user);
  }

  return (request: Request, response: Response, next: NextFunction) => {
    authenticate(request, response).then(() => next(), next);
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
