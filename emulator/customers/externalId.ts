import { v2AccessClaims, idTokenClaims, appOnlyClaims } from '../tokens/claims';
import { tokenLifetimeInSeconds } from '../tokens/tokenFactory';
import { type TenantKind } from './customerTenant';
import { externalIdSeed } from './seed';

/** Microsoft Entra External ID: the tokens of Entra, version 2, with the issuer of an external tenant. */
export function externalIdTenant(url: string): TenantKind {
  const { tenantId, tenantName, apiClientId, clientId } = externalIdSeed;
  const issuer = `${url}/${tenantId}/v2.0`;
  const own = { iss: issuer, tid: tenantId };
  return {
    tenantId,
    issuer,
    apiClientId,
    clientId,
    apiIdentifiers: [`api://${apiClientId}`, apiClientId],
    accessTokenLifetimeInSeconds: tokenLifetimeInSeconds,
    settings: {
      EXTERNAL_ID_TENANT_ID: tenantId,
      EXTERNAL_ID_TENANT_NAME: tenantName,
      EXTERNAL_ID_CLIENT_ID: apiClientId,
      EXTERNAL_ID_AUTHORITY_HOST: url,
    },
    accessClaims: (grant) => ({ ...v2AccessClaims(grant, apiClientId), ...own }),
    idClaims: (grant) => ({ ...idTokenClaims(grant, 'nonce'), ...own }),
    appOnlyClaims: (grant) => ({ ...appOnlyClaims(grant, apiClientId), ...own }),
  };
}
