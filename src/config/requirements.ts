import type { CloudName } from './clouds';
import { type ProviderName, textOfProvider } from './identityProviders';
import type { ProviderSetting } from './providers';
import type { SettingName, SettingValues } from './settings';

/** The settings that decide which of the others are needed. */
export const choices = [
  'IDENTITY_PROVIDER',
  'IDENTITY_STORE',
  'IDENTITY_STORE_FALLBACK',
] as const satisfies SettingName[];

/** Without a usable store, the settings that only some stores need are not known. */
export type Choices = Pick<SettingValues, 'IDENTITY_PROVIDER' | 'IDENTITY_STORE_FALLBACK'> & {
  IDENTITY_STORE: SettingValues['IDENTITY_STORE'] | undefined;
};

/** Only with Microsoft Graph does the server act on behalf of its users. */
export const graphStoreIsUsed = ({ IDENTITY_STORE, IDENTITY_STORE_FALLBACK }: Choices) =>
  IDENTITY_STORE === 'graph' || IDENTITY_STORE_FALLBACK === 'graph';
const usesTable = ({ IDENTITY_STORE }: Choices) => IDENTITY_STORE === 'table';
const usesMappingKey = (chosen: Choices) => graphStoreIsUsed(chosen) || chosen.IDENTITY_STORE === 'acs';
/** In Microsoft Graph, a lookup takes two calls and may be a stale read. */
const findsCheaply = ({ IDENTITY_STORE }: Choices) => IDENTITY_STORE !== 'graph';
const keepsMappings = ({ IDENTITY_STORE }: Choices) => IDENTITY_STORE !== 'acs';

/** Settings that only some choices need. With other choices they are neither required nor read. */
const usedOnlyIf = {
  AZURE_CLIENT_SECRET: graphStoreIsUsed,
  AZURE_CLIENT_CERTIFICATE_PATH: graphStoreIsUsed,
  AZURE_CLIENT_ASSERTION: graphStoreIsUsed,
  GRAPH_ENDPOINT: graphStoreIsUsed,
  GRAPH_EXTENSION_NAME: graphStoreIsUsed,
  OBO_TOKEN_CACHE_SIZE: graphStoreIsUsed,
  IDENTITY_MAPPING_KEY: usesMappingKey,
  IDENTITY_MAPPING_UNSIGNED: graphStoreIsUsed,
  IDENTITY_CACHE_SIZE: keepsMappings,
  IDENTITY_CACHE_MINUTES: keepsMappings,
  TOKEN_REUSE_CHECK_SECONDS: findsCheaply,
  TABLES_CONNECTION_STRING: usesTable,
  TABLES_ENDPOINT: usesTable,
  TABLES_NAME: usesTable,
} as const satisfies Partial<Record<SettingName, (chosen: Choices) => boolean>>;

type ConditionalSetting = keyof typeof usedOnlyIf;

/** The values of a server: those that its choices do not need are absent. */
export type ReadValues = Omit<SettingValues, ConditionalSetting | ProviderSetting> &
  Partial<Pick<SettingValues, ConditionalSetting>>;

export function isUsed(name: SettingName, chosen: Choices): boolean {
  const conditions: Partial<Record<SettingName, (chosen: Choices) => boolean>> = usedOnlyIf;
  return conditions[name]?.(chosen) ?? true;
}

/** Settings of which exactly one must be set. The first one's description says what they are for. */
export interface Alternatives {
  readonly settings: readonly [SettingName, ...SettingName[]];
  readonly areNeeded: (chosen: Choices) => boolean;
  /** What to set instead of the first one. */
  readonly instead: string;
  /** What to do if several are set. */
  readonly choice: string;
}

export const alternatives: readonly Alternatives[] = [
  {
    settings: [
      'AZURE_CLIENT_SECRET',
      'AZURE_CLIENT_CERTIFICATE_PATH',
      'AZURE_CLIENT_ASSERTION',
      'AZURE_FEDERATED_TOKEN_FILE',
    ],
    areNeeded: graphStoreIsUsed,
    instead:
      'Or set AZURE_CLIENT_CERTIFICATE_PATH, for a certificate, or AZURE_CLIENT_ASSERTION=managed_identity, on Azure.',
    choice:
      'Keep the one that is registered with AuthServer. On Kubernetes, the webhook of Microsoft Entra Workload ID sets AZURE_FEDERATED_TOKEN_FILE.',
  },
  {
    settings: ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'COMMUNICATION_SERVICES_ENDPOINT'],
    areNeeded: () => true,
    instead: 'Or set COMMUNICATION_SERVICES_ENDPOINT, for a managed identity.',
    choice: 'Keep the connection string to use its access key, or the endpoint to use the managed identity.',
  },
  {
    settings: ['TABLES_CONNECTION_STRING', 'TABLES_ENDPOINT'],
    areNeeded: usesTable,
    instead: 'Or set TABLES_ENDPOINT, for a managed identity.',
    choice: 'Keep the connection string to use its account key, or the endpoint to use the managed identity.',
  },
];

/** What a rule checks. */
export interface RuleInput {
  readonly values: Partial<SettingValues>;
  readonly production: boolean;
  readonly cloud: CloudName;
}

/** A rule across settings. */
export interface Rule {
  /** The settings that the rule compares. It is skipped if one of them is missing or malformed. */
  readonly settings: readonly SettingName[];
  isBroken(input: RuleInput): boolean;
  /** Why the settings conflict, and what to choose. */
  readonly message: string;
}

const isOneEntraTenant = ([first, ...others]: readonly ProviderName[]) =>
  others.length === 0 && first !== undefined && textOfProvider(first) === 'entra';

/** Azure's SDKs look the host up with its brackets, and the Graph client sends no token to it. Entra ID can have such a host. */
const ipv6Rules = (
  [
    'GRAPH_ENDPOINT',
    'COMMUNICATION_SERVICES_CONNECTION_STRING',
    'COMMUNICATION_SERVICES_ENDPOINT',
    'TABLES_CONNECTION_STRING',
    'TABLES_ENDPOINT',
  ] as const
).map((name): Rule => {
  const hasIpv6Address = (service: string | { endpoint: string } | undefined) =>
    service !== undefined &&
    new URL(typeof service === 'string' ? service : service.endpoint).hostname.startsWith('[');
  return {
    settings: [name],
    isBroken: ({ values }) => hasIpv6Address(values[name]),
    message: `${name} has an IPv6 address as host, which the SDK for this service cannot use. Use a host name, such as localhost.`,
  };
});

export const rules: readonly Rule[] = [
  ...ipv6Rules,
  {
    settings: ['IDENTITY_PROVIDER', 'IDENTITY_STORE'],
    isBroken: ({ values }) =>
      values.IDENTITY_STORE === 'graph' && !isOneEntraTenant(values.IDENTITY_PROVIDER ?? []),
    message:
      'IDENTITY_STORE=graph requires IDENTITY_PROVIDER=entra: it keeps the mapping in Microsoft Graph on behalf of the user, ' +
      'which needs users of one Microsoft Entra tenant. Set IDENTITY_STORE=table, or IDENTITY_STORE=acs (preview).',
  },
  {
    settings: ['IDENTITY_PROVIDER', 'IDENTITY_STORE_FALLBACK'],
    isBroken: ({ values }) =>
      values.IDENTITY_STORE_FALLBACK === 'graph' && !isOneEntraTenant(values.IDENTITY_PROVIDER ?? []),
    message:
      'IDENTITY_STORE_FALLBACK=graph requires IDENTITY_PROVIDER=entra: the mappings in Microsoft Graph are read on behalf of the ' +
      'user, which needs users of one Microsoft Entra tenant. Finish moving the users first, then add providers.',
  },
  {
    settings: ['CORS_ALLOWED_ORIGINS'],
    isBroken: ({ values, production }) =>
      production && (values.CORS_ALLOWED_ORIGINS ?? []).some((origin) => ['*', 'loopback'].includes(origin)),
    message:
      'CORS_ALLOWED_ORIGINS contains * or loopback, which is refused in production: list the origins of your apps.',
  },
  {
    settings: ['IDENTITY_STORE', 'IDENTITY_STORE_FALLBACK'],
    isBroken: ({ values }) => values.IDENTITY_STORE === 'graph' && values.IDENTITY_STORE_FALLBACK === 'graph',
    message:
      'IDENTITY_STORE_FALLBACK=graph cannot be used with IDENTITY_STORE=graph: the fallback is the store that users are moved from. ' +
      'Set IDENTITY_STORE=table to move them, or IDENTITY_STORE_FALLBACK=none.',
  },
  {
    settings: ['IDENTITY_STORE', 'IDENTITY_STORE_FALLBACK'],
    isBroken: ({ values }) => values.IDENTITY_STORE === 'acs' && values.IDENTITY_STORE_FALLBACK === 'graph',
    message:
      'IDENTITY_STORE_FALLBACK=graph cannot be used with IDENTITY_STORE=acs: an existing identity cannot be given a custom id, so every ' +
      'user would lose theirs. Set IDENTITY_STORE=table to keep the identities, or IDENTITY_STORE_FALLBACK=none to start with new ones.',
  },
  {
    settings: ['IDENTITY_STORE', 'IDENTITY_MAPPING_KEY'],
    isBroken: ({ values }) =>
      values.IDENTITY_STORE === 'acs' && (values.IDENTITY_MAPPING_KEY ?? []).length > 1,
    message:
      'IDENTITY_MAPPING_KEY has several keys, which cannot be used with IDENTITY_STORE=acs: the key decides which identity a user has, so ' +
      'another key would give every user a new one. Set the one key that the identities were created with.',
  },
  {
    settings: ['AZURE_FEDERATED_TOKEN_FILE', 'MANAGED_IDENTITY_CLIENT_ID'],
    isBroken: ({ values }) =>
      values.AZURE_FEDERATED_TOKEN_FILE !== undefined &&
      (values.COMMUNICATION_SERVICES_ENDPOINT ?? values.TABLES_ENDPOINT) !== undefined &&
      values.MANAGED_IDENTITY_CLIENT_ID === undefined,
    message:
      'MANAGED_IDENTITY_CLIENT_ID is missing: with AZURE_FEDERATED_TOKEN_FILE, it names the identity that the server uses at ' +
      'COMMUNICATION_SERVICES_ENDPOINT and TABLES_ENDPOINT. AZURE_CLIENT_ID is not used for this, because it is this API.',
  },
  {
    settings: ['AZURE_CLOUD', 'COMMUNICATION_SERVICES_ENDPOINT'],
    isBroken: ({ values, cloud }) =>
      cloud === 'china' && values.COMMUNICATION_SERVICES_ENDPOINT !== undefined,
    message:
      'COMMUNICATION_SERVICES_ENDPOINT cannot be used with AZURE_CLOUD=china: Communication Services is not offered in that cloud, and ' +
      'its managed identities are unknown in the others. Set COMMUNICATION_SERVICES_CONNECTION_STRING of a resource in another cloud.',
  },
];
