import { requiredScope } from '../../authentication/requiredScope';
import type { Config } from '../../config/config';
import { isLoopback } from '../../config/formats';
import type { ProviderConfig } from '../../config/providers';
import { graphStoreOf, type GraphStoreConfig } from '../../config/identities';
import { publishedCredentials } from '../../config/publishedCredentials';
import { keyFingerprint } from '../../identities/stores/graph/mappingSeal';
import { type Check, ok, problem, type Result, warning } from '../check';

/** Settings that are valid but may be a risk. */
export function createConfigurationChecks(config: Config): Check[] {
  const { providers, identities, corsAllowedOrigins } = config;
  const graph = graphStoreOf(identities);
  return [
    ...(identities.store === 'acs' ? [mappingKeyCheck([identities.customIdKey])] : []),
    ...(graph ? createGraphStoreChecks(graph) : []),
    {
      name: 'browser apps',
      group: 'Settings',
      settings: ['CORS_ALLOWED_ORIGINS'],
      run: () => corsAllowedOrigins.map(checkOrigin).concat(noOrigins(config)),
    },
    ...providers.map(clientApplicationsCheck),
  ];
}

function clientApplicationsCheck(provider: ProviderConfig): Check {
  const { name, kind, allowedClientIds, allowedClientIdsSetting } = provider;
  const scope = kind === 'oidc' ? provider.requiredScope : requiredScope;
  return {
    name: name === 'entra' ? 'client applications' : `client applications of ${name}`,
    group: 'Settings',
    settings: [allowedClientIdsSetting],
    run: () => {
      if (allowedClientIds.length === 0) {
        const whose = kind === 'oidc' ? 'any' : 'any of the tenant';
        return ok(`${whose} whose token has the scope ${scope} (${allowedClientIdsSetting} is empty)`);
      }
      return kind !== 'oidc' && allowedClientIds.includes(provider.clientId)
        ? warning(
            `${allowedClientIdsSetting} lists this API itself, which is not a client`,
            'List the ids of the applications that sign users in.',
          )
        : ok(`${allowedClientIds.length} may call (${allowedClientIdsSetting})`);
    },
  };
}

function createGraphStoreChecks({ extensionName, mappingKeys, adoptUnsigned }: GraphStoreConfig): Check[] {
  return [
    mappingKeyCheck(mappingKeys),
    {
      name: 'mappings without a seal',
      group: 'Settings',
      settings: ['IDENTITY_MAPPING_UNSIGNED'],
      run: () =>
        adoptUnsigned
          ? warning(
              'are adopted (IDENTITY_MAPPING_UNSIGNED=adopt): anyone who can write to a user in Microsoft Graph can map the identity of another user',
              'Set it back to reject as soon as the users of the original sample have been adopted.',
            )
          : ok('are rejected'),
    },
    {
      name: 'open extension',
      group: 'Settings',
      settings: ['GRAPH_EXTENSION_NAME'],
      run: () => ok(`${extensionName}; users mapped under another name are not found`),
    },
  ];
}

const mappingKeyCheck = (keys: readonly Buffer[]): Check => ({
  name: 'identity mapping key',
  group: 'Settings',
  settings: ['IDENTITY_MAPPING_KEY'],
  run: () => keys.map(checkMappingKey),
});

/** 32 random bytes have about 30 distinct values; fewer than this does not happen by chance. */
const minDistinctBytes = 16;
const newKey = `Create a new one: node -p "require('node:crypto').randomBytes(32).toString('base64')". To replace one that is in use, see docs/settings.md, "Rotate the mapping key".`;

function checkMappingKey(key: Buffer, index: number): Result {
  const name = `${index === 0 ? 'current key' : 'previous key'} ${keyFingerprint(key)}`;
  const text = key.toString('latin1');
  // With services that are not on this machine, the settings check has already refused it.
  if (key.toString('base64') === publishedCredentials.mappingKey)
    return ok(`${name} is the published key of the emulator`);
  if (new Set(key).size < minDistinctBytes) return problem(`${name} is not random`, newKey);
  if (/^[\x20-\x7e]+$/.test(text)) {
    return warning(
      `${name} is readable text in base64, which can be guessed`,
      `If it was not created at random, replace it. ${newKey}`,
    );
  }
  return ok(`${name}: ${key.length} bytes`);
}

function noOrigins({ corsAllowedOrigins }: Config): Result[] {
  return corsAllowedOrigins.length === 0
    ? [ok('none may call (CORS_ALLOWED_ORIGINS is empty); other programs do not need it')]
    : [];
}

function checkOrigin(origin: string): Result {
  if (origin === '*') {
    return warning(
      'any origin may call (CORS_ALLOWED_ORIGINS=*), which is refused in production',
      'List the origins of your apps.',
    );
  }
  if (origin === 'loopback') {
    return warning(
      'any app on the same machine as its user may call (CORS_ALLOWED_ORIGINS=loopback), which is refused in production',
      'List the origins of your apps, unless this is for development.',
    );
  }
  return origin.startsWith('http:') && !isLoopback(new URL(origin))
    ? warning(`${origin} is not encrypted: tokens can be intercepted`, 'Serve the app over HTTPS.')
    : ok(`${origin} may call`);
}
