import { createHash } from 'node:crypto';
import { openIdScopes } from '../entra/scopes';
import type { User } from '../state/users';
import { graphAppId } from '../tokens/audiences';
import { decodeJwt, encodePart } from '../tokens/jwt';
import { idTokenLifetimeInSeconds } from '../tokens/tokenFactory';
import type { CustomerTenant } from './customerTenant';

interface RequestedTokens {
  readonly user: User;
  readonly scopes: readonly string[];
  readonly nonce: string | undefined;
}

/** As at Entra ID, the access token is for Graph if the scopes have no permission of the API. */
export function externalIdTokens(
  tenant: CustomerTenant,
  { user, scopes, nonce }: RequestedTokens,
): Record<string, unknown> {
  const forGraph = { scope: scopes.join(' '), claims: { aud: graphAppId } };
  return {
    expires_in: tenant.accessTokenLifetimeInSeconds,
    access_token: tenant.accessToken({ user, ...(hasPermission(scopes) ? {} : forGraph) }),
    ...(scopes.includes('openid') ? { id_token: tenant.idToken({ user, claims: { nonce } }) } : {}),
  };
}

/** Azure AD B2C issues no access token without a permission of the API. */
export function b2cTokens(
  tenant: CustomerTenant,
  { user, scopes, nonce }: RequestedTokens,
  tfp: string,
): Record<string, unknown> {
  const accessToken = hasPermission(scopes) ? tenant.accessToken({ user, claims: { tfp } }) : undefined;
  const at_hash = accessToken === undefined ? undefined : accessTokenHash(accessToken);
  const idToken = scopes.includes('openid')
    ? tenant.idToken({ user, claims: { nonce, tfp, at_hash } })
    : undefined;
  const { nbf, exp } = decodeJwt(accessToken ?? idToken ?? '')?.claims ?? {};
  const profile = { ver: '1.0', tid: tenant.tenantId, sub: null, name: user.name, preferred_username: null };
  return {
    not_before: nbf,
    ...(accessToken === undefined
      ? {}
      : {
          access_token: accessToken,
          expires_in: tenant.accessTokenLifetimeInSeconds,
          expires_on: exp,
          resource: tenant.apiClientId,
        }),
    ...(idToken === undefined
      ? {}
      : {
          id_token: idToken,
          id_token_expires_in: idTokenLifetimeInSeconds,
          profile_info: encodePart({ ...profile, idp: null }),
        }),
  };
}

function hasPermission(scopes: readonly string[]): boolean {
  return scopes.some((scope) => !openIdScopes.includes(scope));
}

/** The claim at_hash of OpenID Connect: the first half of the hash. */
function accessTokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
}
