import type { B2cConfig } from '../../config/providers';
import type { IdentityProvider, ReceivedToken } from '../identityProvider';
import { type DecodedJwt, stringClaim } from '../jwt';
import { guidSubject } from '../oidc/accessTokenChecks';
import { createOidcProvider, type OidcProviderPolicy, type ProviderParts } from '../oidc/oidcProvider';
import { requiredScope } from '../requiredScope';
import { problem, type TokenProblem } from '../tokenChecks';

export function b2cIssuer({
  authorityHost,
  tenantId,
}: Pick<B2cConfig, 'authorityHost' | 'tenantId'>): string {
  return `${authorityHost}/${tenantId}/v2.0/`;
}

/** Each policy publishes its own metadata and keys, under the issuer of the tenant. */
export function b2cPolicies(settings: B2cConfig): ReadonlyMap<string, OidcProviderPolicy> {
  const { name, authorityHost, tenantName, clientId } = settings;
  const domain = `${tenantName}.onmicrosoft.com`;
  return new Map(
    settings.policies.map((policy): [string, OidcProviderPolicy] => {
      const policyUrl = `${authorityHost}/${domain}/${policy}`;
      return [
        policy.toLowerCase(),
        {
          name,
          upstream: 'Azure AD B2C',
          issuerName: 'Azure AD B2C',
          issuesOpaqueTokens: false,
          realm: clientId,
          authorizationUri: `${policyUrl}/oauth2/v2.0/authorize`,
          metadataUrl: `${policyUrl}/v2.0/.well-known/openid-configuration`,
          issuers: [b2cIssuer(settings)],
          keysHost: 'same',
          audiences: [clientId],
          algorithms: ['RS256'],
          requiredScope,
          scopeToRequest: `https://${domain}/${clientId}/${requiredScope}`,
          userClaim: 'sub',
          // The object id. A policy that does not issue it puts the same sentence into the `sub` of every token.
          userClaimForm: guidSubject,
          allowedClientIds: settings.allowedClientIds,
          allowedClientIdsSetting: settings.allowedClientIdsSetting,
          hasApplicationRoles: false,
          additionalChecks: [],
        },
      ];
    }),
  );
}

/** The policy that issued the token: `tfp`, or `acr` in older tenants. */
export function b2cPolicyOf(jwt: DecodedJwt): string | undefined {
  return (stringClaim(jwt, 'tfp') ?? stringClaim(jwt, 'acr'))?.toLowerCase();
}

export const wrongPolicyProblem: TokenProblem = problem(
  'wrong_policy',
  'The access token was issued by a user flow or policy that this API does not accept (tfp or acr). The operator of this API can add it to B2C_POLICIES.',
);

/** A tenant of Azure AD B2C: one OpenID Connect provider for each policy. */
export function createB2cProvider(settings: B2cConfig, parts: ProviderParts): IdentityProvider {
  const policies = new Map(
    [...b2cPolicies(settings)].map(([name, policy]) => [name, createOidcProvider(policy, parts)]),
  );
  const all = [...policies.values()];
  const [first] = all;
  if (!first) throw new Error('an Azure AD B2C tenant needs a policy');
  /** Undefined for a token of a policy that is not configured. */
  const providerOf = ({ jwt }: ReceivedToken): IdentityProvider | undefined => {
    const policy = b2cPolicyOf(jwt);
    const provider = policy === undefined ? undefined : policies.get(policy);
    return provider ?? (first.issues(jwt.claims.iss) ? undefined : first);
  };
  const wrongPolicy = Promise.resolve({ problem: wrongPolicyProblem, permanent: true });
  return {
    ...first,
    verify: (token) => providerOf(token)?.verify(token) ?? wrongPolicy,
    identify: (token) => providerOf(token)?.identify(token) ?? wrongPolicy,
    start: () => all.forEach((provider) => provider.start()),
    stop: () => all.forEach((provider) => provider.stop()),
    isReady: () => all.some((provider) => provider.isReady()),
    load: () => Promise.all(all.map((provider) => provider.load())),
    onKeysChanged: (listener) => all.forEach((provider) => provider.onKeysChanged(listener)),
  };
}
