import { chooseCloud, type Cloud, type CloudName } from './clouds';
import { ConfigError, type InvalidSetting } from './configError';
import {
  type ClientCredentialConfig,
  readClientCredential,
  readWorkloadIdentity,
  type WorkloadIdentityConfig,
} from './credentials';
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
import {
  type Alternatives,
  alternatives,
  type Choices,
  choices,
  isUsed,
  type ReadValues,
  rules,
} from './requirements';
import { describeProblem } from './settingProblem';
import { createSettingReader, type EarlierProblems, type Environment, textOf } from './settingReader';
import { settings, type SettingName, type SettingValues } from './settings';
import { readTelemetry, type TelemetryConfig } from './telemetry';

export { ConfigError } from './configError';
export type { Environment } from './settingReader';

export interface EntraConfig extends EntraProviderConfig {
  /** Absent: no call is made on behalf of a user. */
  readonly credential: ClientCredentialConfig | undefined;
}

export interface Config {
  readonly port: number;
  readonly production: boolean;
  readonly logLevel: SettingValues['LOG_LEVEL'];
  /** Whether /docs and /openapi.json are served. */
  readonly apiDocs: boolean;
  /** Whether upstream calls carry the request id of their caller. */
  readonly forwardRequestId: boolean;
  /** The client that signs users in on the page /docs. */
  readonly apiDocsClientId: string | undefined;
  /** The page that explains the error codes: `#` and a code lead to its section. */
  readonly errorDocumentation: string | undefined;
  /** How many proxies in front of the server are trusted to report the caller's address. */
  readonly trustedProxies: number;
  readonly corsAllowedOrigins: readonly string[];
  readonly cloud: CloudName;
  /** Empty only if an app that embeds the server signs its users in itself. */
  readonly providers: readonly ProviderConfig[];
  readonly verifiedTokenCacheSize: number;
  /** The provider `entra`, and what calls on behalf of its users need; absent if users come from other providers only. */
  readonly entra: EntraConfig | undefined;
  readonly identities: IdentitiesConfig;
  readonly communication: {
    readonly endpoint: string;
    /** Absent: the server signs in with its managed identity. */
    readonly accessKey: string | undefined;
    readonly managedIdentityClientId: string | undefined;
    /** On Kubernetes, instead of the managed identity of the host. */
    readonly workloadIdentity: WorkloadIdentityConfig | undefined;
    /** The scope of the managed identity's tokens; undefined: the SDK's default. */
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
  /** Absent: telemetry is off. */
  readonly telemetry: TelemetryConfig | undefined;
  /** Beyond these, requests are rejected with 503; 0 is off. */
  readonly overload: { readonly maxWaitInMs: number; readonly maxInFlight: number };
}

export interface LoadOptions {
  /** No identity provider is configured: an app that embeds the server signs its users in itself. */
  readonly withoutProviders?: boolean;
  readonly earlierProblems?: EarlierProblems;
}

const noProblems: EarlierProblems = { messages: [], settings: new Set() };

/** Reads the settings from the environment; throws ConfigError. */
export function loadConfig(
  environment: Environment,
  { withoutProviders = false, earlierProblems = noProblems }: LoadOptions = {},
): Config {
  const production = textOf(environment, 'NODE_ENV') === 'production';
  const { values, cloud, providers, communicationEndpoint, workloadIdentity } = readSettings(environment, {
    production,
    withoutProviders,
    earlierProblems,
  });
  const entra = providers.filter(isEntra).find(({ name }) => name === 'entra');
  const apiDocs = values.API_DOCS ? values.API_DOCS === 'on' : !production;
  return Object.freeze({
    port: values.PORT,
    production,
    logLevel: values.LOG_LEVEL,
    forwardRequestId: values.FORWARD_REQUEST_ID === 'on',
    apiDocs,
    apiDocsClientId: values.API_DOCS_CLIENT_ID,
    errorDocumentation: values.ERROR_DOCUMENTATION_URL ?? (apiDocs ? '/docs/errors' : undefined),
    trustedProxies: values.TRUST_PROXY_HOPS ?? (environment.WEBSITE_SITE_NAME ? 1 : 0),
    corsAllowedOrigins: values.CORS_ALLOWED_ORIGINS,
    cloud: cloud.name,
    providers,
    verifiedTokenCacheSize: values.BEARER_TOKEN_CACHE_SIZE,
    entra: entra && { ...entra, credential: readClientCredential(values, cloud) },
    identities: readIdentities(values, workloadIdentity),
    communication: {
      endpoint: communicationEndpoint,
      accessKey: values.COMMUNICATION_SERVICES_CONNECTION_STRING?.accessKey,
      managedIdentityClientId: values.MANAGED_IDENTITY_CLIENT_ID,
      workloadIdentity,
      managedIdentityScope: cloud.communicationScope,
      teamsAudience: cloud.teamsAudience,
      tokenScopes: values.COMMUNICATION_SERVICES_TOKEN_SCOPES,
      tokenLifetimeInMinutes: values.COMMUNICATION_SERVICES_TOKEN_LIFETIME_MINUTES,
      tokenReuseInMinutes: values.TOKEN_REUSE_MINUTES,
      tokenCacheSize: values.TOKEN_CACHE_SIZE,
    },
    rateLimits: { user: values.RATE_LIMIT_USER, rejected: values.RATE_LIMIT_REJECTED },
    telemetry: readTelemetry(values, environment.WEBSITE_INSTANCE_ID),
    overload: { maxWaitInMs: values.OVERLOAD_WAIT_MS, maxInFlight: values.MAX_REQUESTS_IN_FLIGHT },
  });
}

/** The well-formed settings. */
interface ReadSettings {
  readonly values: ReadValues;
  readonly cloud: Cloud;
  readonly providers: Config['providers'];
  readonly communicationEndpoint: string;
  readonly workloadIdentity: WorkloadIdentityConfig | undefined;
}

function readSettings(
  environment: Environment,
  { production, withoutProviders, earlierProblems }: Required<LoadOptions> & { production: boolean },
): ReadSettings {
  const cloud = chooseCloud(textOf(environment, 'AZURE_CLOUD'), textOf(environment, 'AZURE_AUTHORITY_HOST'));
  const reader = createSettingReader(environment, cloud, earlierProblems);
  const { problems, invalidSettings, unreadable } = reader;
  const readOne = reader.read as ReadSetting;
  const read: Partial<Record<SettingName, unknown>> = {};
  const readSetting = (name: SettingName) => {
    const value = reader.read(name, '');
    if (value !== undefined) read[name] = value;
  };
  const names = Object.keys(settings) as SettingName[];
  choices.filter((name) => !withoutProviders || name !== 'IDENTITY_PROVIDER').forEach(readSetting);
  const defaults = { IDENTITY_PROVIDER: [], IDENTITY_STORE: undefined, IDENTITY_STORE_FALLBACK: 'none' };
  const chosen = { ...defaults, ...read } as Choices;
  const providers = chosen.IDENTITY_PROVIDER.flatMap((name) => readProvider(name, readOne) ?? []);
  names
    .filter((name) => !(name in chosen) && !providerSettingNames.has(name) && isUsed(name, chosen))
    .forEach(readSetting);

  const values = read as ReadValues;
  const connection = values.COMMUNICATION_SERVICES_CONNECTION_STRING;
  const communicationEndpoint = connection?.endpoint ?? values.COMMUNICATION_SERVICES_ENDPOINT ?? '';
  for (const each of alternatives.filter(({ areNeeded }) => areNeeded(chosen))) {
    for (const { text, invalid } of problemsOf(each, read, unreadable)) {
      problems.add(text);
      if (invalid) invalidSettings.set(text, invalid);
    }
  }
  const workloadIdentity = readWorkloadIdentity(values, readOne);
  const input = { values, production, cloud: cloud.name };
  const broken = rules.filter(
    (rule) => !rule.settings.some((name) => unreadable.has(name)) && rule.isBroken(input),
  );
  for (const { message } of broken) problems.add(message);
  for (const problem of sharedIssuerProblems(providers)) problems.add(problem);
  if (problems.size > 0) throw new ConfigError([...problems], undefined, undefined, invalidSettings);
  const published = publishedCredentialProblems(values, providers, communicationEndpoint);
  if (published.length > 0) throw new ConfigError(published, 'not safe to use');
  return { values, cloud, providers, communicationEndpoint, workloadIdentity };
}

/** The problems of settings of which exactly one must be set. Malformed ones are reported separately. */
function problemsOf(
  { settings: names, instead, choice }: Alternatives,
  read: Partial<Record<SettingName, unknown>>,
  unreadable: ReadonlySet<SettingName>,
): { text: string; invalid?: InvalidSetting }[] {
  if (names.some((name) => unreadable.has(name))) return [];
  const set = names.filter((name) => read[name] !== undefined);
  if (set.length === 0) {
    const invalid: InvalidSetting = { name: names[0], suffix: '', reason: 'missing', instead };
    return [{ text: `${describeProblem(names[0], 'missing')} ${instead}`, invalid }];
  }
  return set.length === 1
    ? []
    : [{ text: `${set.join(' and ')} are set, but only one of them may be. ${choice}` }];
}
