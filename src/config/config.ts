import { type IdentitiesConfig, readIdentities } from './identities';
import {
  type EntraProviderConfig,
  isEntra,
  type ProviderConfig,
  providerSettingNames,
  readProvider,
  type ReadSetting,
  sharedIssuerProblems,
} from './providers';
import { publishedCredentialProblems } from './publishedCredentials';
import { type Choices, choices, isUsed, type ReadValues, rules } from './requirements';
import { settings, type SettingName, type SettingValues } from './settings';

export interface EntraConfig extends EntraProviderConfig {
  /** Absent: no call is made on behalf of a user. */
  readonly clientSecret: string | undefined;
}

export interface Config {
  readonly port: number;
  readonly production: boolean;
  readonly logLevel: SettingValues['LOG_LEVEL'];
  /** Whether /docs and /openapi.json are served. */
  readonly apiDocs: boolean;
  /** How many proxies before us may be believed when they name the caller's address. */
  readonly trustedProxies: number;
  readonly corsAllowedOrigins: readonly string[];
  readonly providers: readonly [ProviderConfig, ...ProviderConfig[]];
  readonly verifiedTokenCacheSize: number;
  /** The provider `entra`, and what calls on behalf of its users need; absent if users come from other providers only. */
  readonly entra: EntraConfig | undefined;
  readonly identities: IdentitiesConfig;
  readonly communication: {
    readonly endpoint: string;
    /** Absent: the server signs in with its managed identity. */
    readonly accessKey: string | undefined;
    readonly managedIdentityClientId: string | undefined;
    readonly tokenScopes: SettingValues['COMMUNICATION_SERVICES_TOKEN_SCOPES'];
    readonly tokenLifetimeInMinutes: number;
    readonly tokenReuseInMinutes: number;
    readonly tokenCacheSize: number;
  };
  /** Requests a minute; 0 is off. */
  readonly rateLimits: { readonly user: number; readonly rejected: number };
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Lists every setting that is missing or malformed; never a value, since it may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly problems: readonly string[],
    flaw = 'missing or malformed',
  ) {
    const count = problems.length === 1 ? 'a setting is' : `${problems.length} settings are`;
    super(
      [`The server cannot start: ${count} ${flaw}.`, ...problems.map((line) => `  - ${line}`)].join('\n'),
    );
  }
}

/** Reads the settings from the environment; throws ConfigError. */
export function loadConfig(environment: Environment): Config {
  const production = environment.NODE_ENV === 'production';
  const { values, providers, communicationEndpoint } = readSettings(environment, production);
  const entra = providers.filter(isEntra).find(({ name }) => name === 'entra');
  return Object.freeze({
    port: values.PORT,
    production,
    logLevel: values.LOG_LEVEL,
    apiDocs: values.API_DOCS ? values.API_DOCS === 'on' : !production,
    trustedProxies: values.TRUST_PROXY_HOPS ?? (environment.WEBSITE_SITE_NAME ? 1 : 0),
    corsAllowedOrigins: values.CORS_ALLOWED_ORIGINS,
    providers,
    verifiedTokenCacheSize: values.BEARER_TOKEN_CACHE_SIZE,
    entra: entra && { ...entra, clientSecret: values.AZURE_CLIENT_SECRET },
    identities: readIdentities(values),
    communication: {
      endpoint: communicationEndpoint,
      accessKey: values.COMMUNICATION_SERVICES_CONNECTION_STRING?.accessKey,
      managedIdentityClientId: values.MANAGED_IDENTITY_CLIENT_ID,
      tokenScopes: values.COMMUNICATION_SERVICES_TOKEN_SCOPES,
      tokenLifetimeInMinutes: values.COMMUNICATION_SERVICES_TOKEN_LIFETIME_MINUTES,
      tokenReuseInMinutes: values.TOKEN_REUSE_MINUTES,
      tokenCacheSize: values.TOKEN_CACHE_SIZE,
    },
    rateLimits: { user: values.RATE_LIMIT_USER, rejected: values.RATE_LIMIT_REJECTED },
  });
}

/** The well-formed settings. */
interface ReadSettings {
  readonly values: ReadValues;
  readonly providers: Config['providers'];
  readonly communicationEndpoint: string;
}

function readSettings(environment: Environment, production: boolean): ReadSettings {
  // A set, since several providers may share a setting.
  const problems = new Set<string>();
  const unreadable = new Set<SettingName>();
  const read: Partial<Record<SettingName, unknown>> = {};
  const readOne = (name: SettingName, suffix: string): unknown => {
    const { schema, defaultText } = settings[name];
    const text = textOf(environment, `${name}${suffix}`) ?? defaultText;
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    problems.add(describe(name, text === undefined ? 'missing' : 'malformed', suffix));
    unreadable.add(name);
    return undefined;
  };
  const readSetting = (name: SettingName) => {
    const value = readOne(name, '');
    if (!unreadable.has(name)) read[name] = value;
  };
  const names = Object.keys(settings) as SettingName[];
  choices.forEach(readSetting);
  const defaults = { IDENTITY_PROVIDER: [], IDENTITY_STORE: 'graph', IDENTITY_STORE_FALLBACK: 'none' };
  const chosen = { ...defaults, ...read } as Choices;
  const [provider, ...otherProviders] = chosen.IDENTITY_PROVIDER.flatMap(
    (name) => readProvider(name, readOne as ReadSetting) ?? [],
  );
  names
    .filter((name) => !(name in chosen) && !providerSettingNames.has(name) && isUsed(name, chosen))
    .forEach(readSetting);

  const values = read as ReadValues;
  const connection = values.COMMUNICATION_SERVICES_CONNECTION_STRING;
  const communicationEndpoint = connection?.endpoint ?? values.COMMUNICATION_SERVICES_ENDPOINT ?? '';
  const missesOneOf = (...alternatives: SettingName[]) =>
    alternatives.every((name) => read[name] === undefined && !unreadable.has(name));
  if (missesOneOf('COMMUNICATION_SERVICES_CONNECTION_STRING', 'COMMUNICATION_SERVICES_ENDPOINT')) {
    const missing = describe('COMMUNICATION_SERVICES_CONNECTION_STRING', 'missing');
    problems.add(
      `${missing} COMMUNICATION_SERVICES_ENDPOINT may stand in its place, for a managed identity.`,
    );
  }
  if (chosen.IDENTITY_STORE === 'table' && missesOneOf('TABLES_CONNECTION_STRING', 'TABLES_ENDPOINT')) {
    const missing = describe('TABLES_CONNECTION_STRING', 'missing');
    problems.add(`${missing} Or set TABLES_ENDPOINT, for a managed identity.`);
  }
  // @azure/identity would sign in as AZURE_CLIENT_ID, which is the registration of this API.
  const managedIdentityIsUsed =
    !connection || (chosen.IDENTITY_STORE === 'table' && !values.TABLES_CONNECTION_STRING);
  if (managedIdentityIsUsed && environment.AZURE_FEDERATED_TOKEN_FILE && !values.MANAGED_IDENTITY_CLIENT_ID) {
    problems.add(
      `${describe('MANAGED_IDENTITY_CLIENT_ID', 'missing')} It is required because AZURE_FEDERATED_TOKEN_FILE is set.`,
    );
  }
  const facts = { values, production };
  const broken = rules.filter(
    (rule) => !rule.settings.some((name) => unreadable.has(name)) && rule.isBroken(facts),
  );
  for (const { message } of broken) problems.add(message);
  const providers = provider ? ([provider, ...otherProviders] as const) : undefined;
  for (const problem of sharedIssuerProblems(providers ?? [])) problems.add(problem);
  if (problems.size > 0 || !providers) throw new ConfigError([...problems]);
  const published = publishedCredentialProblems(values, providers, communicationEndpoint);
  if (published.length > 0) throw new ConfigError(published, 'not safe to use');
  return { values, providers, communicationEndpoint };
}

/** The text of a setting; an empty one counts as absent, as it does in a copied .env.sample. */
function textOf(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
}

function describe(name: SettingName, problem: 'missing' | 'malformed', suffix = ''): string {
  const { description, source, format } = settings[name];
  return `${name}${suffix} is ${problem}: ${description}. Expected: ${format}. Where to find it: ${source}.`;
}
