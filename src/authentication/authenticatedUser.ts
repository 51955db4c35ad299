import type { Response } from 'express';
import { clientIdOf, type DecodedJwt, stringClaim } from './jwt';

/** The caller, as identified by a verified access token. */
export class AuthenticatedUser {
  /** Tenant and object id: the key under which everything about a user is cached. */
  readonly key: string;
  readonly tenantId: string;
  readonly objectId: string;
  /** The client application that the user calls with. */
  readonly clientId: string | undefined;
  /** When the access token expires, in seconds since 1970. */
  readonly expiresAt: number;

  /**
   * @param accessToken the caller's access token: the assertion in On-Behalf-Of
   * @param accessTokenHash its SHA-256: its key in caches
   */
  constructor(
    jwt: DecodedJwt,
    readonly accessToken: string,
    readonly accessTokenHash: string,
  ) {
    this.tenantId = (stringClaim(jwt, 'tid') ?? '').toLowerCase();
    this.objectId = (stringClaim(jwt, 'oid') ?? '').toLowerCase();
    this.key = `${this.tenantId}:${this.objectId}`;
    this.clientId = clientIdOf(jwt);
    this.expiresAt = Number(jwt.claims.exp);
  }
}

/** Stores the caller for the handlers that run after authentication. */
export function setCaller(response: Response, user: AuthenticatedUser): void {
  response.locals.caller = user;
}

/** The caller; throws if the handler runs without authentication before it. */
export function getCaller(response: Response): AuthenticatedUser {
  const caller: unknown = response.locals.caller;
  if (caller instanceof AuthenticatedUser) return caller;
  throw new Error('a handler that needs the caller is mounted without authentication');
}
