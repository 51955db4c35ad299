import { b2cPolicies } from '../../authentication/b2c/b2cProvider';
import { externalIdPolicy } from '../../authentication/externalId/externalIdProvider';
import type { MetadataSource } from '../../authentication/metadataSource';
import {
  createOidcMetadata,
  findMetadataProblem,
  oidcDiscoveryDocument,
  type OidcMetadata,
} from '../../authentication/oidc/oidcMetadata';
import { oidcPolicy } from '../../authentication/oidc/oidcPolicy';
import type { OidcProviderPolicy } from '../../authentication/oidc/oidcProvider';
import type { ProviderConfig } from '../../config/providers';
import type { SettingName } from '../../config/settings';
import { HttpError } from '../../resilience/httpClient';
import { defaultTimings } from '../../timings';
import { type Check, ok, problem } from '../check';
import type { DoctorContext } from '../context';
import { explainNetworkError, probe } from '../network';

/** A provider that is verified by OpenID Connect Discovery, or one policy of it, with the server's own source of keys. */
export interface OpenIdProvider {
  readonly config: ProviderConfig;
  /** For the report: the provider, and its policy if it has several. */
  readonly label: string;
  readonly policy: OidcProviderPolicy;
  readonly metadata: MetadataSource<OidcMetadata>;
}

export function openIdProvidersOf({ config, http, log }: DoctorContext): readonly OpenIdProvider[] {
  return config.providers.flatMap((provider) =>
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

/** The setting to check if the provider's metadata cannot be used. */
const settingOfKind: Record<ProviderConfig['kind'], SettingName> = {
  entra: 'AZURE_TENANT_ID',
  external_id: 'EXTERNAL_ID_TENANT_NAME',
  b2c: 'B2C_TENANT_NAME',
  oidc: 'OIDC_ISSUER',
};

/** Whether the provider publishes the metadata that its settings expect, and keys that verify tokens. */
export function createOpenIdChecks(
  context: DoctorContext,
  { config, label, policy, metadata }: OpenIdProvider,
): { metadata: Check; signingKeys: Check } {
  const setting = settingOfKind[config.kind];
  const { metadataUrl } = policy;
  const document: Check = {
    name: `${label} metadata`,
    async run() {
      try {
        const reply = await probe(context.http, metadataUrl, context.now);
        if (reply.clockAheadInMs !== undefined)
          context.clocksAheadInMs.set(policy.issuerName, reply.clockAheadInMs);
        if (reply.status !== 200)
          return problem(`HTTP ${reply.status} at ${metadataUrl}`, `Check ${setting}.`);
        const parsed = oidcDiscoveryDocument.safeParse(parseJson(reply.text));
        if (!parsed.success) return problem(`no discovery document at ${metadataUrl}`, `Check ${setting}.`);
        const found = findMetadataProblem(parsed.data, policy);
        return found === undefined
          ? ok(`issuer ${parsed.data.issuer}`)
          : problem(found, `Set ${setting} exactly as the provider publishes it; a slash at the end counts.`);
      } catch (error) {
        if (error instanceof HttpError) return explainNetworkError(error, metadataUrl, setting);
        throw error;
      }
    },
  };
  const signingKeys: Check = {
    name: `${label} signing keys`,
    needs: [document],
    async run() {
      try {
        const { signingKeys: keys } = await metadata.metadata();
        return ok(`${keys.size} for ${policy.algorithms.join(', ')}`);
      } catch {
        return problem(
          'the signing keys (jwks_uri) cannot be loaded, or none can be used',
          'Try again later.',
        );
      }
    },
  };
  return { metadata: document, signingKeys };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
