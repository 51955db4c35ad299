import { inSeconds } from '../clock';
import { type Grant } from '../tokens/claims';
import { type Claims } from '../tokens/jwt';
import { type TenantKind } from './customerTenant';
import { b2cSeed } from './seed';

/** Azure AD B2C: `sub` is the object id, `tfp` names the policy, there is no `tid`. */
export function b2cTenant(url: string): TenantKind {
  const { tenantId, tenantName, apiClientId, clientId, policies } = b2cSeed;
  const issuer = `${url}/${tenantId}/v2.0/`;
  const common = (grant: Grant): Claims => {
    const issuedAt = inSeconds(grant.now);
    return {
      iss: issuer,
      exp: issuedAt + grant.lifetimeInSeconds,
      nbf: issuedAt,
      iat: issuedAt,
      auth_time: issuedAt,
      tfp: policies[0],
      ver: '1.0',
    };
  };
  return {
    tenantId,
    issuer,
    apiClientId,
    clientId,
    apiIdentifiers: [`https://${tenantName}.onmicrosoft.com/${apiClientId}`, apiClientId],
    // The default of a user flow.
    accessTokenLifetimeInSeconds: 3600,
    settings: {
      B2C_TENANT_NAME: tenantName,
      B2C_TENANT_ID: tenantId,
      B2C_POLICIES: policies.join(','),
      B2C_CLIENT_ID: apiClientId,
      B2C_AUTHORITY_HOST: url,
    },
    accessClaims: (grant) => ({
      ...common(grant),
      aud: apiClientId,
      sub: grant.user.objectId,
      oid: grant.user.objectId,
      name: grant.user.name,
      scp: grant.scopes,
      azp: grant.clientId,
    }),
    idClaims: (grant) => ({
      ...common(grant),
      aud: grant.clientId,
      sub: grant.user.objectId,
      name: grant.user.name,
      nonce: 'nonce',
      at_hash: 'LDktKdoQak3Pk0cnXxCltA',
    }),
    appOnlyClaims: (grant) => ({
      ...common(grant),
      aud: apiClientId,
      sub: grant.clientId,
      azp: grant.clientId,
      oid: grant.clientId,
    }),
  };
}
