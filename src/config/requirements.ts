import { type ProviderName, textOfProvider } from './identityProviders';
import type { ProviderSetting } from './providers';
import type { SettingName, SettingValues } from './settings';

/** The settings that decide which of the others are needed. */
export const choices = [
  'IDENTITY_PROVIDER',
  'IDENTITY_STORE',
  'IDENTITY_STORE_FALLBACK',
] as const satisfies SettingName[];

export type Choices = Pick<SettingValues, (typeof choices)[number]>;

const usesGraph = ({ IDENTITY_STORE, IDENTITY_STORE_FALLBACK }: Choices) =>
  IDENTITY_STORE === 'graph' || IDENTITY_STORE_FALLBACK === 'graph';
const usesTable = ({ IDENTITY_STORE }: Choices) => IDENTITY_STORE === 'table';
const usesMappingKey = (chosen: Choices) => usesGraph(chosen) || chosen.IDENTITY_STORE === 'acs';
const keepsMappings = ({ IDENTITY_STORE }: Choices) => IDENTITY_STORE !== 'acs';

/** Settings that only some choices need. With other choices they are neither required nor read. */
export const usedOnlyIf = {
  AZURE_CLIENT_SECRET: usesGraph,
  GRAPH_ENDPOINT: usesGraph,
  GRAPH_EXTENSION_NAME: usesGraph,
  OBO_TOKEN_CACHE_SIZE: usesGraph,
  IDENTITY_MAPPING_KEY: usesMappingKey,
  IDENTITY_MAPPING_UNSIGNED: usesGraph,
  IDENTITY_CACHE_SIZE: keepsMappings,
  IDENTITY_CACHE_MINUTES: keepsMappings,
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

/** What a rule looks at. */
export interface RuleFacts {
  readonly values: Partial<SettingValues>;
  readonly production: boolean;
}

/** A rule across settings. */
export interface Rule {
  /** The settings it is about: it is skipped if one of them is missing or malformed by itself. */
  readonly settings: readonly SettingName[];
  isBroken(facts: RuleFacts): boolean;
  /** Why the settings do not go together, and what to choose. */
  readonly message: string;
}

const isOneEntraTenant = ([first, ...others]: readonly ProviderName[]) =>
  others.length === 0 && first !== undefined && textOfProvider(first) === 'entra';

export const rules: readonly Rule[] = [
  {
    settings: ['IDENTITY_PROVIDER', 'IDENTITY_STORE'],
    isBroken: ({ values }) =>
      values.IDENTITY_STORE === 'graph' && !isOneEntraTenant(values.IDENTITY_PROVIDER ?? []),
    message:
      'IDENTITY_STORE=graph goes only with IDENTITY_PROVIDER=entra: it keeps the mapping in Microsoft Graph on behalf of the user, ' +
      'which needs users of one Microsoft Entra tenant. Set IDENTITY_STORE=table, or IDENTITY_STORE=acs (preview).',
  },
  {
    settings: ['IDENTITY_PROVIDER', 'IDENTITY_STORE_FALLBACK'],
    isBroken: ({ values }) =>
      values.IDENTITY_STORE_FALLBACK === 'graph' && !isOneEntraTenant(values.IDENTITY_PROVIDER ?? []),
    message:
      'IDENTITY_STORE_FALLBACK=graph goes only with IDENTITY_PROVIDER=entra: the mappings in Microsoft Graph are read on behalf of the ' +
      'user, which needs users of one Microsoft Entra tenant. Finish moving the users first, then add providers.',
  },
  {
    settings: ['CORS_ALLOWED_ORIGINS'],
    isBroken: ({ values, production }) => production && (values.CORS_ALLOWED_ORIGINS ?? []).includes('*'),
    message:
      'CORS_ALLOWED_ORIGINS contains *, which is refused in production: list the origins of your apps.',
  },
  {
    settings: ['IDENTITY_STORE', 'IDENTITY_STORE_FALLBACK'],
    isBroken: ({ values }) => values.IDENTITY_STORE === 'graph' && values.IDENTITY_STORE_FALLBACK === 'graph',
    message:
      'IDENTITY_STORE_FALLBACK=graph does not go with IDENTITY_STORE=graph: the fallback is the store that users are moved from. ' +
      'Set IDENTITY_STORE=table to move them, or IDENTITY_STORE_FALLBACK=none.',
  },
  {
    settings: ['IDENTITY_STORE', 'IDENTITY_STORE_FALLBACK'],
    isBroken: ({ values }) => values.IDENTITY_STORE === 'acs' && values.IDENTITY_STORE_FALLBACK === 'graph',
    message:
      'IDENTITY_STORE_FALLBACK=graph does not go with IDENTITY_STORE=acs: an existing identity cannot be given a custom id, so every ' +
      'user would lose theirs. Set IDENTITY_STORE=table to keep the identities, or IDENTITY_STORE_FALLBACK=none to start with new ones.',
  },
  {
    settings: ['IDENTITY_STORE', 'IDENTITY_MAPPING_KEY'],
    isBroken: ({ values }) =>
      values.IDENTITY_STORE === 'acs' && (values.IDENTITY_MAPPING_KEY ?? []).length > 1,
    message:
      'IDENTITY_MAPPING_KEY has several keys, which does not go with IDENTITY_STORE=acs: the key decides which identity a user has, so ' +
      'another key would give every user a new one. Set the one key that the identities were created with.',
  },
  {
    settings: ['TABLES_CONNECTION_STRING', 'TABLES_ENDPOINT'],
    isBroken: ({ values }) =>
      values.TABLES_CONNECTION_STRING !== undefined && values.TABLES_ENDPOINT !== undefined,
    message:
      'TABLES_CONNECTION_STRING and TABLES_ENDPOINT are both set, and might name different tables. Keep the connection string to use ' +
      'its account key, or the endpoint to use the managed identity.',
  },
];
