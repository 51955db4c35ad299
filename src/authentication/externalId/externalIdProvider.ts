import type { ExternalIdConfig } from '../../config/providers';
import type { IdentityProvider } from '../identityProvider';
import { stringClaim } from '../jwt';
import { guidSubject } from '../oidc/accessTokenChecks';
import { createOidcProvider, type OidcProviderPolicy, type ProviderParts } from '../oidc/oidcProvider';
import { requiredScope } from '../requiredScope';
import { problem, type TokenCheck } from '../tokenChecks';

/** The issuers of an external tenant. The first contains the tenant's id, not its name; the second is for a custom domain. */
export function externalIdIssuers({
  authorityHost,
  tenantId,
}: Pick<ExternalIdConfig, 'authorityHost' | 'tenantId'>): readonly string[] {
  return [`https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`, `${authorityHost}/${tenantId}/v2.0`];
}

/** Microsoft Entra External ID: v2 tokens like those of Entra ID, but with a different issuer. */
export function externalIdPolicy(settings: ExternalIdConfig): OidcProviderPolicy {
  const { name, authorityHost, tenantId, clientId } = settings;
  const tenantUrl = `${authorityHost}/${tenantId}`;
  return {
    name,
    upstream: 'Microsoft Entra External ID',
    issuerName: 'Microsoft Entra External ID',
    issuesOpaqueTokens: false,
    realm: `api://${clientId}`,
    authorizationUri: `${tenantUrl}/oauth2/v2.0/authorize`,
    metadataUrl: `${tenantUrl}/v2.0/.well-known/openid-configuration`,
    issuers: externalIdIssuers(settings),
    keysHost: 'same',
    audiences: [clientId, `api://${clientId}`],
    algorithms: ['RS256'],
    requiredScope,
    scopeToRequest: `api://${clientId}/${requiredScope}`,
    // Not `sub`, which differs by API registration.
    userClaim: 'oid',
    userClaimForm: guidSubject,
    allowedClientIds: settings.allowedClientIds,
    allowedClientIdsSetting: settings.allowedClientIdsSetting,
    hasApplicationRoles: true,
    additionalChecks: [tenantCheck(tenantId)],
  };
}

function tenantCheck(tenantId: string): TokenCheck<unknown> {
  return {
    name: 'tenant',
    permanent: true,
    find: (jwt) =>
      stringClaim(jwt, 'tid')?.toLowerCase() === tenantId
        ? undefined
        : problem(
            'wrong_tenant',
            'The access token is from another tenant than the one this API serves (tid). Sign in to that tenant.',
          ),
  };
}

export function createExternalIdProvider(settings: ExternalIdConfig, parts: ProviderParts): IdentityProvider {
  return createOidcProvider(externalIdPolicy(settings), parts);
}
