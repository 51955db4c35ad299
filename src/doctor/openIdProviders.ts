import type { Log } from '../log';
import { b2cPolicies } from '../authentication/b2c/b2cProvider';
import { externalIdPolicy } from '../authentication/externalId/externalIdProvider';
import type { MetadataSource } from '../authentication/metadataSource';
import { createOidcMetadata, type OidcMetadata } from '../authentication/oidc/oidcMetadata';
import { oidcPolicy } from '../authentication/oidc/oidcPolicy';
import type { OidcProviderPolicy } from '../authentication/oidc/oidcProvider';
import type { ProviderConfig } from '../config/providers';
import type { HttpClient } from '../resilience/httpClient';
import { defaultTimings } from '../timings';

/** A provider with OpenID Connect Discovery, or one of its policies, with the server's own source of keys. */
export interface OpenIdProvider {
  readonly config: ProviderConfig;
  /** For the report: the provider, and its policy if it has several. */
  readonly label: string;
  readonly policy: OidcProviderPolicy;
  readonly metadata: MetadataSource<OidcMetadata>;
}

export function createOpenIdProviders(
  providers: readonly ProviderConfig[],
  http: HttpClient,
  log: Log,
): readonly OpenIdProvider[] {
  return providers.flatMap((provider) =>
    policiesOf(provider).map(([suffix, policy]) => ({
      config: provider,
      label: `${provider.name}${suffix}`,
      policy,
      metadata: createOidcMetadata({ ...policy, http, log, timings: defaultTimings.signingKeys }),
    })),
  );
}

function policiesOf(config: ProviderConfig): (readonly [string, OidcProviderPolicy])[] {
  switch (config.kind) {
    case 'entra':
      return [];
    case 'external_id':
      return [['', externalIdPolicy(config)]];
    case 'b2c':
      return [...b2cPolicies(config)].map(([name, policy]) => [` ${name}`, policy]);
    case 'oidc':
      return [['', oidcPolicy(config)]];
  }
}
