import { chooseCloud, type Cloud, type CloudName } from './clouds';
import {
  type ClientCredentialConfig,
  readClientCredential,
  readWorkloadIdentity,
  type WorkloadIdentityConfig,
} from './credentials';
import { type IdentitiesConfig, readIdentities } from './identities';
import { publishedCredentialProblems } from './publishedCredentials';
import {
  type Alternatives,
  alternatives,
  type Choices,
  choices,
  isUsed,
  type ReadValues,
  rules,
} from './requirements';
import { settings, type SettingName, type SettingValues } from './settings';

export interface Config {
  readonly port: number;
  readonly production: boolean;
  readonly logLevel: SettingValues['LOG_LEVEL'];
  /** Whether /docs and /openapi.json are served. */
  readonly apiDocs: boolean;
  /** How many proxies before us may be believed when they name the caller's address. */
  readonly trustedProxies: number;
  readonly corsAllowedOrigins: readonly string[];
  readonly cloud: CloudName;
  readonly entra: {
    readonly authorityHost: string;
    readonly tenantId: string;
    readonly clientId: string;
    /** Absent: no call is made on behalf of a user. */
    readonly credential: ClientCredentialConfig | undefined;
    readonly audiences: readonly string[];
    /** Empty: any client application of the tenant. */
    readonly allowedClientIds: readonly string[];
    readonly verifiedTokenCacheSize: number;
  };
  readonly identities: IdentitiesConfig;
  readonly communication: {
    readonly endpoint: string;
    /** Absent: the server signs in with its managed identity. */
    readonly accessKey: string | undefined;
    readonly managedIdentityClientId: string | undefined;
    /** On Kubernetes, instead of the managed identity of the host. */
    readonly workloadIdentity: WorkloadIdentityConfig | undefined;
    /** Of the managed identity's tokens; undefined: the one that the SDK requests. */
    readonly managedIdentityScope: string | undefined;
    /** The resource of the Teams tokens that are exchanged. */
    readonly teamsAudience: string;
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
  const { cloud, ...values } = readSettings(environment, production);

  const clientId = values.AZURE_CLIENT_ID;
  return Object.freeze({
    port: values.PORT,
    production,
    logLevel: values.LOG_LEVEL,
    apiDocs: values.API_DOCS ? values.API_DOCS === 'on' : !production,
    trustedProxies: values.TRUST_PROXY_HOPS ?? (environment.WEBSITE_SITE_NAME ? 1 : 0),
    corsAllowedOrigins: values.CORS_ALLOWED_ORIGINS,
    cloud: cloud.name,
    entra: {
      authorityHost: values.AZURE_AUTHORITY_HOST,
      tenantId: values.AZURE_TENANT_ID,
      clientId,
      credential: readClientCredential(values, cloud),
      audiences: [
        clientId,
        `api://${clientId}`,
        ...(values.AZURE_APP_ID_URI ? [values.AZURE_APP_ID_URI] : []),
      ],
      allowedClientIds: values.ALLOWED_CLIENT_IDS,
      verifiedTokenCacheSize: values.BEARER_TOKEN_CACHE_SIZE,
    },
    identities: readIdentities(values),
    communication: {
      endpoint: values.communicationEndpoint,
      accessKey: values.COMMUNICATION_SERVICES_CONNECTION_STRING?.accessKey,
      managedIdentityClientId: values.MANAGED_IDENTITY_CLIENT_ID,
      workloadIdentity: readWorkloadIdentity(values),
      managedIdentityScope: cloud.communicationScope,
      teamsAudience: cloud.teamsAudience,
      tokenScopes: values.COMMUNICATION_SERVICES_TOKEN_SCOPES,
      tokenLifetimeInMinutes: values.COMMUNICATION_SERVICES_TOKEN_LIFETIME_MINUTES,
      tokenReuseInMinutes: values.TOKEN_REUSE_MINUTES,
      tokenCacheSize: values.TOKEN_CACHE_SIZE,
    },
    rateLimits: { user: values.RATE_LIMIT_USER, rejected: values.RATE_LIMIT_REJECTED },
  });
}

interface Settings extends ReadValues {
  readonly communicationEndpoint: string;
  readonly cloud: Cloud;
}

function readSettings(environment: Environment, production: boolean): Settings {
  const cloud = chooseCloud(textOf(environment, 'AZURE_CLOUD'), textOf(environment, 'AZURE_AUTHORITY_HOST'));
  const problems: string[] = [];
  const unreadable = new Set<SettingName>();
  const read: Partial<Record<SettingName, unknown>> = {};
  const readSetting = (name: SettingName) => {
    const { schema, defaultText, inCloud } = settings[name];
    const ownText = textOf(environment, name);
    const text = (inCloud ? inCloud(ownText, cloud) : ownText) ?? defaultText;
    const parsed = schema.safeParse(text);
    if (parsed.success) read[name] = parsed.data;
    else {
      problems.push(describe(name, text === undefined ? 'missing' : 'malformed'));
      unreadable.add(name);
    }
  };
  const names = Object.keys(settings) as SettingName[];
  choices.forEach(readSetting);
  const chosen = { IDENTITY_STORE: 'graph', IDENTITY_STORE_FALLBACK: 'none', ...read } as Choices;
  names.filter((name) => !(name in chosen) && isUsed(name, chosen)).forEach(readSetting);

  const values = read as ReadValues;
  const connection = values.COMMUNICATION_SERVICES_CONNECTION_STRING;
  const communicationEndpoint = connection?.endpoint ?? values.COMMUNICATION_SERVICES_ENDPOINT ?? '';
  problems.push(
    ...alternatives
      .filter(({ areNeeded }) => areNeeded(chosen))
      .flatMap((each) => problemOf(each, read, unreadable)),
  );
  const facts = { values, production };
  const broken = rules.filter(
    (rule) => !rule.settings.some((name) => unreadable.has(name)) && rule.isBroken(facts),
  );
  problems.push(...broken.map(({ message }) => message));
  if (problems.length > 0) throw new ConfigError(problems);
  const published = publishedCredentialProblems(values, communicationEndpoint);
  if (published.length > 0) throw new ConfigError(published, 'not safe to use');
  return { ...values, communicationEndpoint, cloud };
}

/** Of settings of which exactly one must be set. Those that are malformed have a problem of their own. */
function problemOf(
  { settings: names, instead, choice }: Alternatives,
  read: Partial<Record<SettingName, unknown>>,
  unreadable: ReadonlySet<SettingName>,
): string[] {
  if (names.some((name) => unreadable.has(name))) return [];
  const set = names.filter((name) => read[name] !== undefined);
  if (set.length === 0) return [`${describe(names[0], 'missing')} ${instead}`];
  return set.length === 1 ? [] : [`${set.join(' and ')} are set, but only one of them may be. ${choice}`];
}

/** The text of a setting; an empty one counts as absent, as it does in a copied .env.sample. */
function textOf(environment: Environment, name: SettingName): string | undefined {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
}

function describe(name: SettingName, problem: 'missing' | 'malformed'): string {
  const { description, source, format } = settings[name];
  return `${name} is ${problem}: ${description}. Expected: ${format}. Where to find it: ${source}.`;
}
