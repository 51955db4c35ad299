import type { OidcConfig } from '../../config/providers';
import { anySubject } from './accessTokenChecks';
import type { OidcProviderPolicy } from './oidcProvider';

/** Any OpenID Connect provider, as the settings describe it. */
export function oidcPolicy(config: OidcConfig): OidcProviderPolicy {
  const { name, issuer, audience, requiredScope } = config;
  return {
    name,
    upstream: 'the OpenID Connect provider',
    issuerName: 'the OpenID Connect provider',
    issuesOpaqueTokens: true,
    realm: audience,
    // OpenID Connect Discovery section 4.1: without the slash at the end of the issuer.
    metadataUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    issuers: [issuer],
    keysHost: 'any',
    audiences: [audience],
    algorithms: config.algorithms,
    requiredScope,
    scopeToRequest: requiredScope,
    userClaim: config.userClaim,
    userClaimForm: anySubject,
    allowedClientIds: config.allowedClientIds,
    allowedClientIdsSetting: config.allowedClientIdsSetting,
    hasApplicationRoles: false,
    additionalChecks: [],
  };
}
