import type { Response } from 'express';
import { clientIdOf, type DecodedJwt, stringClaim } from './jwt';

/** The caller, as a verified access token names them. */
export class AuthenticatedUser {
  /** Tenant and object id: the only name under which anything of a user is kept. */
  readonly key: string;
  readonly tenantId: string;
  readonly objectId: string;
  /** The client application through which the user calls. */
  readonly clientId: string | undefined;
  /** When the access token expires, in seconds since 1970. */
  readonly expiresAt: number;

  /**
   * @param accessToken the caller's access token: the assertion in On-Behalf-Of
   * @param accessTokenHash its SHA-256: its name in caches
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

/** Remembers who calls, for the handlers behind the authentication. */
export function setCaller(response: Response, user: AuthenticatedUser): void {
  response.locals.caller = user;
}

/** Who calls; throws if no authentication stands before the handler. */
export function getCaller(response: Response): AuthenticatedUser {
  const caller: unknown = response.locals.caller;
  if (caller instanceof AuthenticatedUser) return caller;
  throw new Error('a handler that needs the caller was mounted before the authentication');
}
