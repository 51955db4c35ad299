import { hash } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { LRUCache } from 'lru-cache';
import type { ApiError } from '../errors';
import { AuthenticatedUser, setCaller } from './authenticatedUser';
import { bearerTokenOf } from './bearerToken';
import type { Challenges } from './challenge';
import type { Telemetry } from '../telemetry/telemetry';
import type { IdentityProvider } from './identityProvider';
import { decodeJwt, type DecodedJwt } from './jwt';
import { malformedProblem, problem, type TokenProblem } from './tokenChecks';

export interface BearerAuthenticationOptions {
  /** Their issuers are distinct. Callers without a usable token get the first provider's challenges. */
  providers: readonly [IdentityProvider, ...IdentityProvider[]];
  cacheSize: number;
  telemetry?: Telemetry | undefined;
  /** An application role that callers need, instead of the scope of a signed-in user. */
  requiredRole?: string;
}

/** A token is not verified again for this long. */
const verificationCacheTtlInMs = 5 * 60_000;
const maxRejectedTokens = 1_000;

/** Why a token is rejected, in the terms of its provider. */
interface Rejection {
  readonly challenges: Challenges;
  readonly problem: TokenProblem;
}

/** Passes on requests with a valid access token (`getCaller` returns the user); all others go to the error handler. */
export function createBearerAuthentication({
  providers,
  cacheSize,
  telemetry,
  requiredRole,
}: BearerAuthenticationOptions): RequestHandler {
  const [firstProvider] = providers;
  const { challenges } = firstProvider;
  const signIn = [...new Set(providers.map(({ issuerName }) => issuerName))].join(' or ');
  const malformed = malformedProblem(signIn, providers);

  // Verified tokens by their hash. Cleared when keys change, so that no token signed with a withdrawn key is accepted.
  const users = new LRUCache<string, AuthenticatedUser>({ max: cacheSize, ttl: verificationCacheTtlInMs });
  // A separate cache: anyone can send invalid tokens, and they must not evict the valid ones.
  const rejectedTokens = new LRUCache<string, Rejection>({
    max: maxRejectedTokens,
    ttl: verificationCacheTtlInMs,
  });
  for (const provider of providers) {
    provider.onKeysChanged(() => {
      users.clear();
      rejectedTokens.clear();
    });
  }

  async function authenticate(
    request: Request,
    response: Response,
    accessToken: string,
    accessTokenHash: string,
  ): Promise<AuthenticatedUser> {
    const jwt = decodeJwt(accessToken);
    if (!jwt) throw invalid({ challenges, problem: malformed });
    const provider = providers.length === 1 ? firstProvider : await issuingProvider(providers, jwt);
    if (!provider) throw invalid({ challenges, problem: unknownIssuerProblem });
    const received = { request, response, accessToken, accessTokenHash, jwt };
    const result = await (requiredRole === undefined
      ? provider.verify(received)
      : provider.identify(received));
    if (result instanceof AuthenticatedUser) {
      if (requiredRole !== undefined && !result.roles.includes(requiredRole)) {
        // The caller is known, but lacks permission.
        setCaller(response, result);
        throw provider.challenges.roleMissing(roleMissingMessage(requiredRole));
      }
      users.set(accessTokenHash, result);
      return result;
    }
    const rejection = { challenges: provider.challenges, problem: result.problem };
    if (result.permanent) rejectedTokens.set(accessTokenHash, rejection);
    throw invalid(rejection);
  }

  return (request: Request, response: Response, next: NextFunction) => {
    const accessToken = bearerTokenOf(request, challenges, signIn);
    const accessTokenHash = hash('sha256', accessToken, 'base64url');
    const rejection = rejectedTokens.get(accessTokenHash);
    if (rejection) throw invalid(rejection);
    const cachedUser = users.get(accessTokenHash);
    const isValid = cachedUser !== undefined && cachedUser.expiresAt > Date.now() / 1_000;
    telemetry?.countLookup('verified_tokens', isValid);
    if (isValid) {
      setCaller(response, cachedUser);
      next();
      return;
    }
    authenticate(request, response, accessToken, accessTokenHash).then((user) => {
      setCaller(response, user);
      next();
    }, next);
  };
}

function roleMissingMessage(role: string): string {
  return (
    `The access token lacks the application role ${role}. An administrator can assign it to users and applications in ` +
    'Microsoft Entra ID and External ID; other identity providers have no such role.'
  );
}

function invalid({ challenges, problem: { code, message } }: Rejection): ApiError {
  return challenges.invalidToken(code, message);
}

export const unknownIssuerProblem = problem(
  'wrong_issuer',
  'The access token was not issued by any of the identity providers of this API (iss). Check the authority that your app signs in with.',
);

/**
 * The provider whose issuer the token names. An unknown issuer may belong to a provider whose metadata has not been loaded
 * yet: a 401 would make users sign in again unnecessarily, so the response is such a provider's failure (503).
 */
async function issuingProvider(
  providers: readonly IdentityProvider[],
  { claims: { iss } }: DecodedJwt,
): Promise<IdentityProvider | undefined> {
  const known = providers.find((provider) => provider.issues(iss));
  if (known) return known;
  await Promise.all(
    providers.filter((provider) => provider.issues(iss) === undefined).map((provider) => provider.load()),
  );
  return providers.find((provider) => provider.issues(iss));
}
