import { type Config, ConfigError, type Environment, loadConfig } from '../../config/config';
import type { InvalidSetting } from '../../config/configError';
import type { SettingName } from '../../config/settings';

/** The settings, as far as they can be used. */
export interface UsableConfig {
  /** Undefined if too little is known to continue. Values of invalid settings are placeholders: they must not be used. */
  readonly config: Config | undefined;
  /** Settings that are missing or malformed by themselves. */
  readonly invalidSettings: readonly InvalidSetting[];
  /** Other problems, such as settings that do not go together. */
  readonly problems: readonly string[];
}

const guid = '00000000-0000-4000-8000-000000000000';
const url = 'https://localhost:1';

/** For required settings. All addresses are on this machine, so that no call can leave it. */
const placeholders: Partial<Record<SettingName, string>> = {
  AZURE_TENANT_ID: guid,
  AZURE_CLIENT_ID: guid,
  AZURE_CLIENT_SECRET: 'placeholder',
  AZURE_CLIENT_ASSERTION: 'managed_identity',
  AZURE_AUTHORITY_HOST: url,
  EXTERNAL_ID_TENANT_ID: guid,
  EXTERNAL_ID_TENANT_NAME: 'placeholder',
  EXTERNAL_ID_CLIENT_ID: guid,
  B2C_TENANT_ID: guid,
  B2C_TENANT_NAME: 'placeholder',
  B2C_CLIENT_ID: guid,
  B2C_POLICIES: 'B2C_1_placeholder',
  OIDC_ISSUER: url,
  OIDC_AUDIENCE: 'placeholder',
  COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=${url};accesskey=AAAA`,
  COMMUNICATION_SERVICES_ENDPOINT: url,
  TABLES_CONNECTION_STRING: `AccountName=placeholder;AccountKey=AAAA;TableEndpoint=${url}`,
  TABLES_ENDPOINT: url,
  GRAPH_ENDPOINT: url,
  IDENTITY_MAPPING_KEY: Buffer.from('a placeholder of thirty-two bytes').toString('base64'),
};

/** They decide which other settings are needed, so without them nothing can be checked. */
const choices: readonly SettingName[] = ['IDENTITY_PROVIDER', 'IDENTITY_STORE', 'IDENTITY_STORE_FALLBACK'];

/** Reads the settings, with placeholders for the invalid ones, so that the others can be checked. */
export function readUsableConfig(environment: Environment): UsableConfig {
  const invalidSettings = new Map<string, InvalidSetting>();
  const problems = new Set<string>();
  let current = environment;
  for (;;) {
    try {
      return {
        config: loadConfig(current),
        invalidSettings: [...invalidSettings.values()],
        problems: [...problems],
      };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const found = [...error.invalidSettings.values()].filter(
        (each) => !invalidSettings.has(fullName(each)),
      );
      for (const each of found) invalidSettings.set(fullName(each), each);
      for (const problem of error.problems) if (!error.invalidSettings.has(problem)) problems.add(problem);
      const canContinue = problems.size === 0 && found.length > 0;
      if (!canContinue || found.some(({ name }) => choices.includes(name)))
        return { config: undefined, invalidSettings: [...invalidSettings.values()], problems: [...problems] };
      const replaced = found.map((each) => [fullName(each), placeholders[each.name] ?? '']);
      current = { ...current, ...(Object.fromEntries(replaced) as Environment) };
    }
  }
}

export const fullName = ({ name, suffix }: InvalidSetting): string => `${name}${suffix}`;
