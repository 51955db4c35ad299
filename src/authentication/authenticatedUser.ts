import type { Response } from 'express';

/** What a verified access token says about its user. */
export interface UserProperties {
  readonly key: string;
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string | undefined;
  readonly roles?: readonly string[];
  readonly expiresAt: number;
  readonly accessToken: string;
  readonly accessTokenHash: string;
  readonly entra?: EntraAccount | undefined;
  readonly isAbsent?: boolean;
}

/** A user's account in a Microsoft Entra tenant, by which Microsoft's other services know the user. */
export interface EntraAccount {
  readonly tenantId: string;
  readonly objectId: string;
}

/** The caller, as identified by a verified access token. */
export class AuthenticatedUser implements UserProperties {
  /** The key under which a user's data is stored and cached: unique across all providers. */
  readonly key: string;
  readonly issuer: string;
  /** The user's id at the issuer. */
  readonly subject: string;
  /** The client application that the user calls with. */
  readonly clientId: string | undefined;
  /** The application roles that the operator's directory gave the caller. Empty where the provider has none. */
  readonly roles: readonly string[];
  /** When the access token expires, in seconds since 1970. */
  readonly expiresAt: number;
  /** The caller's access token: the assertion in On-Behalf-Of. */
  readonly accessToken: string;
  /** SHA-256 of the access token: its key in caches. */
  readonly accessTokenHash: string;
  /** Only for users of Microsoft Entra ID. */
  readonly entra: EntraAccount | undefined;
  /** True if an administrator named this user. The user did not call, so there is no access token to act on their behalf. */
  readonly isAbsent: boolean;

  constructor(properties: UserProperties) {
    this.key = properties.key;
    this.issuer = properties.issuer;
    this.subject = properties.subject;
    this.clientId = properties.clientId;
    this.roles = properties.roles ?? [];
    this.expiresAt = properties.expiresAt;
    this.accessToken = properties.accessToken;
    this.accessTokenHash = properties.accessTokenHash;
    this.entra = properties.entra;
    this.isAbsent = properties.isAbsent ?? false;
  }
}

/**
 * The key of a user of any issuer but Microsoft Entra ID. As JSON it is unambiguous, and cannot equal the key of an Entra
 * user, which begins with a digit or letter.
 */
export function userKeyOf(issuer: string, subject: string): string {
  return JSON.stringify([issuer, subject]);
}

/** Another user of the caller's tenant or issuer, by that user's id there. */
export function absentUserOf({ issuer, entra }: AuthenticatedUser, objectId: string): AuthenticatedUser {
  return entra
    ? absentEntraUser(entra.tenantId, objectId)
    : createAbsentUser({ key: userKeyOf(issuer, objectId), issuer, subject: objectId });
}

export function absentEntraUser(tenantId: string, objectId: string): AuthenticatedUser {
  const account = { tenantId, objectId };
  return createAbsentUser({
    key: entraUserKeyOf(account),
    issuer: tenantId,
    subject: objectId,
    entra: account,
  });
}

export function createAbsentUser(
  properties: Pick<UserProperties, 'key' | 'issuer' | 'subject' | 'entra'>,
): AuthenticatedUser {
  return new AuthenticatedUser({
    ...properties,
    clientId: undefined,
    expiresAt: Number.POSITIVE_INFINITY,
    accessToken: '',
    accessTokenHash: '',
    isAbsent: true,
  });
}

export function entraUserKeyOf({ tenantId, objectId }: EntraAccount): string {
  return `${tenantId}:${objectId}`;
}

/** The user's Entra account. Throws if there is none; the settings prevent that where an account is needed. */
export function entraAccountOf({ entra }: AuthenticatedUser): EntraAccount {
  if (entra) return entra;
  throw new Error('this needs a user of Microsoft Entra ID');
}

/** In `response.locals`, which may belong to an app that mounts us and have its own `caller`. */
const callerKey = 'communicationAuth.caller';

/** Stores the caller for the handlers that run after authentication. */
export function setCaller(response: Response, user: AuthenticatedUser): void {
  response.locals[callerKey] = user;
}

/** The caller; undefined before authentication, or if there is none. */
export function findCaller(response: Response): AuthenticatedUser | undefined {
  const caller: unknown = response.locals[callerKey];
  return caller instanceof AuthenticatedUser ? caller : undefined;
}

/** The caller; throws if the handler runs without authentication before it. */
export function getCaller(response: Response): AuthenticatedUser {
  const caller = findCaller(response);
  if (caller) return caller;
  throw new Error('a handler that needs the caller is mounted without authentication');
}
