import {
  findMetadataProblem,
  oidcDiscoveryDocument,
  type OidcMetadata,
} from '../../authentication/oidc/oidcMetadata';
import type { ProviderConfig } from '../../config/providers';
import type { SettingName } from '../../config/settings';
import { isError } from '../../errors';
import { HttpError } from '../../resilience/httpClient';
import { type Check, ok, problem } from '../check';
import type { DoctorContext } from '../context';
import type { OpenIdProvider } from '../openIdProviders';
import { explainNetworkError, parseJson, probe } from '../network';
import { settingsOfProvider } from '../settings/providerSettings';

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
    group: 'Identity provider',
    settings: settingsOfProvider(config),
    async run() {
      try {
        const reply = await probe(context, metadataUrl);
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
    group: 'Identity provider',
    needs: [document],
    async run() {
      try {
        const published = await metadata.metadata();
        const algorithms = policy.algorithms.join(', ');
        const count = await countUsableKeys(published, policy.algorithms);
        if (count > 0) return ok(`${count} for ${algorithms}`);
        return problem(
          `none of the ${published.signingKeys.size} published can verify ${algorithms}: every token is rejected`,
          config.kind === 'oidc'
            ? 'Set OIDC_ALGORITHMS to the algorithm with which the provider signs access tokens.'
            : `Check ${setting}.`,
        );
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

/** How many keys can verify a token with one of the algorithms. */
async function countUsableKeys(
  { signingKeys, findKey }: OidcMetadata,
  algorithms: readonly string[],
): Promise<number> {
  const fits = (kid: string, alg: string) =>
    findKey({ kid, alg }).then(
      () => true,
      (error: unknown) =>
        isError(error) && 'code' in error && error.code === 'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
    );
  const found = await Promise.all(
    [...signingKeys.keys()].map(async (kid) =>
      (await Promise.all(algorithms.map((alg) => fits(kid, alg)))).includes(true),
    ),
  );
  return found.filter(Boolean).length;
}
