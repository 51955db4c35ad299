import { randomBytes } from 'node:crypto';
import { inSeconds } from '../clock';
import { tenantId } from '../seed';
import { type User } from '../state/users';
import { graphAudience, teamsAudience } from './audiences';
import { type Claims, hash } from './jwt';

export const v1Issuer = `https://sts.windows.net/${tenantId}/`;

/** The input of every token of Entra. */
export interface Grant {
  /** The emulator, which is the v2 issuer's host. */
  url: string;
  now: number;
  lifetimeInSeconds: number;
  user: User;
  /** The application that the token is issued to, and how it authenticated: not at all (public), by secret, or by assertion. */
  clientId: string;
  clientAuthentication: '0' | '1' | '2';
  scopes: string;
  /** The authentication context that a step-up sign-in satisfied. */
  satisfied?: string[] | undefined;
}

/** Each resource gets a different subject for the same user. */
export function pairwiseSubject(objectId: string, resource: string): string {
  return hash(`${objectId}|${resource}`);
}

function common(grant: Grant, resource: string): Claims {
  const issuedAt = inSeconds(grant.now);
  return {
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + grant.lifetimeInSeconds,
    name: grant.user.name,
    oid: grant.user.objectId,
    sub: pairwiseSubject(grant.user.objectId, resource),
    tid: tenantId,
    uti: randomBytes(16).toString('base64url'),
    ...(grant.satisfied ? { acrs: grant.satisfied, amr: ['pwd', 'mfa'] } : {}),
  };
}

export function v2AccessClaims(grant: Grant, audience: string): Claims {
  return {
    aud: audience,
    iss: `${grant.url}/${tenantId}/v2.0`,
    ...common(grant, audience),
    azp: grant.clientId,
    azpacr: grant.clientAuthentication,
    preferred_username: grant.user.userPrincipalName,
    scp: grant.scopes,
    ver: '2.0',
  };
}

export function v1AccessClaims(grant: Grant, audience: string): Claims {
  return {
    aud: audience,
    iss: v1Issuer,
    acr: '1',
    amr: ['pwd'],
    ...common(grant, audience),
    appid: grant.clientId,
    appidacr: grant.clientAuthentication,
    scp: grant.scopes,
    unique_name: grant.user.userPrincipalName,
    upn: grant.user.userPrincipalName,
    ver: '1.0',
  };
}

/** Microsoft's own resources get v1 tokens. */
export const graphClaims = (grant: Grant): Claims => v1AccessClaims(grant, graphAudience);
export const teamsClaims = (grant: Grant): Claims => v1AccessClaims(grant, teamsAudience);

/** @param scopes those of OpenID Connect: they decide what the token says about the user */
export function idTokenClaims(grant: Grant, nonce?: string, scopes = ['openid', 'profile']): Claims {
  const { name, oid, ...others } = common(grant, grant.clientId);
  const profile = { name, oid, preferred_username: grant.user.userPrincipalName };
  return {
    aud: grant.clientId,
    iss: `${grant.url}/${tenantId}/v2.0`,
    ...others,
    ...(scopes.includes('profile') ? profile : {}),
    ...(scopes.includes('email') ? emailClaim(grant.user) : {}),
    ver: '2.0',
    ...(nonce === undefined ? {} : { nonce }),
  };
}

/** The user's mail address, which is the sign-in name here, as in Graph's `mail`. */
export function emailClaim(user: User): Claims {
  return { email: user.userPrincipalName };
}

export function appOnlyClaims(grant: Grant, audience: string): Claims {
  const issuedAt = inSeconds(grant.now);
  return {
    aud: audience,
    iss: `${grant.url}/${tenantId}/v2.0`,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + grant.lifetimeInSeconds,
    azp: grant.clientId,
    azpacr: '1',
    idtyp: 'app',
    // The service principal, not a user.
    oid: '5e21ce00-0000-4000-8000-000000000006',
    sub: '5e21ce00-0000-4000-8000-000000000006',
    roles: ['Identities.Manage.All'],
    tid: tenantId,
    uti: randomBytes(16).toString('base64url'),
    ver: '2.0',
  };
}
