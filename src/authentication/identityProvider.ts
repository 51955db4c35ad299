import type { Request, Response } from 'express';
import type { AuthenticatedUser } from './authenticatedUser';
import type { Challenges } from './challenge';
import type { DecodedJwt } from './jwt';
import type { TokenProblem } from './tokenChecks';

/** An access token as it arrived: decoded, not verified. */
export interface ReceivedToken {
  readonly request: Request;
  readonly response: Response;
  readonly accessToken: string;
  /** SHA-256 of the access token: its key in caches. */
  readonly accessTokenHash: string;
  readonly jwt: DecodedJwt;
}

/** Why a token is invalid (401). */
export interface InvalidToken {
  readonly problem: TokenProblem;
  /** The token will always be invalid with the current keys, so the result can be cached. */
  readonly permanent: boolean;
}

/** One configured source of access tokens, such as an Entra tenant: from a bearer token to an authenticated user. */
export interface IdentityProvider {
  /** As in IDENTITY_PROVIDER, such as `entra` or `oidc:partner`. */
  readonly name: string;
  /** Who issues the tokens, for messages. */
  readonly issuerName: string;
  /** Whether it may issue opaque access tokens, not JSON Web Tokens, unless it is configured for this API. */
  readonly issuesOpaqueTokens: boolean;
  readonly challenges: Challenges;
  /** Whether tokens with this `iss` are for this provider; undefined while its metadata has not been loaded. */
  issues(issuer: unknown): boolean | undefined;
  /**
   * The user, or why the token is invalid. Throws ApiError if a valid token lacks permission (403), and UpstreamError if
   * the provider cannot be reached and its keys are needed.
   */
  verify(token: ReceivedToken): Promise<AuthenticatedUser | InvalidToken>;
  /**
   * The caller of a valid token, which may be an application without a user. Checks that the client application is allowed, but no scope:
   * for operations that require an application role.
   */
  identify(token: ReceivedToken): Promise<AuthenticatedUser | InvalidToken>;
  /** Loads the metadata and refreshes it in the background until `stop`. */
  start(): void;
  stop(): void;
  /** Whether the metadata has been loaded. */
  isReady(): boolean;
  /** Waits for the metadata. Throws UpstreamError if it cannot be loaded. */
  load(): Promise<unknown>;
  /** The listener is called whenever the signing keys change. */
  onKeysChanged(listener: () => void): void;
}
