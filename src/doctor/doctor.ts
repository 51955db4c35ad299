import type { Environment } from '../config/config';
import { graphStoreOf } from '../config/identities';
import { type Check, type Finding, runChecks, skipped } from './check';
import { createAuthorityChecks } from './checks/authority';
import { createConfigurationChecks } from './checks/configuration';
import { createClientCredentialCheck } from './checks/clientCredential';
import { createCloudCheck } from './checks/clouds';
import { createClockCheck } from './checks/clock';
import { createCommunicationCheck } from './checks/communication';
import { createGraphCheck, createPermissionChecks } from './checks/graph';
import { createIdentityStoreChecks } from './checks/identityStore';
import { createOpenIdChecks } from './checks/openIdProvider';
import { createDeployedServerChecks } from './checks/deployedServer';
import { createPortCheck } from './checks/port';
import { createProductionChecks } from './checks/production';
import { createRuntimeChecks } from './checks/runtime';
import { createSecretExpiryCheck } from './checks/secretExpiry';
import { createSettingsChecks, fileToCreate, type SettingsFile } from './checks/settings';
import { type DoctorOptions, parseOptions, splitTokens, usage } from './options';
import { type Output, toJson, withoutSecrets } from './report';
import { fullName, readUsableConfig } from './settings/usableConfig';
import { toText } from './textReport';
import { createHttpClient } from '../resilience/httpClient';
import { callTimeLimitInMs as defaultTimeLimit } from './network';
import { createDoctorContext, type DoctorContext, entraContextsOf } from './context';
import { createTokenChecks } from './token/tokenChecks';

export interface DoctorCall {
  readonly args: readonly string[];
  /** The settings, including those of the settings file. */
  readonly environment: Environment;
  /** The environment that the process was started with: Node.js reads only that. */
  readonly startedWith: Environment;
  readonly settingsFile?: SettingsFile;
  readonly out: Output;
  /** Reads standard input to its end; called only if a token comes from there. */
  readonly readInput: () => Promise<string>;
  readonly now?: () => number;
  readonly callTimeLimitInMs?: number;
}

/** Runs the checks, reports the findings and returns the exit code. */
export async function runDoctor(call: DoctorCall): Promise<0 | 1 | 2> {
  const { environment, out } = call;
  const options = parseOptions(call.args);
  if (!options || options.help) {
    out.write(usage);
    return options ? 0 : 2;
  }
  const input = options.tokens.includes('-') ? await call.readInput() : '';
  const tokens = options.tokens.flatMap((text) => splitTokens(text === '-' ? input : text));
  if (options.tokens.length > 0 && tokens.length === 0) {
    out.write(`No token was given.\n${usage}`);
    return 2;
  }

  const findings = await (options.url === undefined
    ? checkSetUp(call, tokens)
    : checkDeployedServer(call, options.url, options.origins));
  const subject = subjectOf(options, call.settingsFile);
  const isTerminal = out.isTTY === true;
  const report = options.json
    ? `${toJson(subject, findings)}\n`
    : toText(findings, {
        subject,
        all: options.all,
        wrapped: isTerminal,
        colored: isTerminal && !environment.NO_COLOR,
      });
  out.write(withoutSecrets(report, [...secretsOf(environment), ...tokens]));
  return findings.some(({ status }) => status === 'problem') ? 1 : 0;
}

function subjectOf({ url }: DoctorOptions, file: SettingsFile | undefined): string {
  if (url !== undefined) return `The server at ${url}`;
  if (!file?.exists) return 'Settings of the environment';
  return `Settings of the environment and of ${file.path} (${file.count})`;
}

/** Needs no settings: it may run anywhere. */
async function checkDeployedServer(
  { environment, startedWith, now = Date.now, callTimeLimitInMs = defaultTimeLimit }: DoctorCall,
  url: string,
  origins: readonly string[],
): Promise<readonly Finding[]> {
  const http = createHttpClient();
  const clocksAheadInMs = new Map<string, number>();
  try {
    return await runChecks([
      ...createRuntimeChecks(process.version, startedWith, environment),
      ...createDeployedServerChecks({ http, now, callTimeLimitInMs, url, origins, clocksAheadInMs }),
      createClockCheck(clocksAheadInMs),
    ]);
  } finally {
    await http.close();
  }
}

async function checkSetUp(
  {
    environment,
    startedWith,
    settingsFile,
    now = Date.now,
    callTimeLimitInMs = defaultTimeLimit,
  }: DoctorCall,
  tokens: readonly string[],
): Promise<readonly Finding[]> {
  const usable = readUsableConfig(environment);
  const { config, invalidSettings } = usable;
  const basics = [
    ...createRuntimeChecks(process.version, startedWith, environment),
    ...createSettingsChecks(environment, usable, settingsFile),
  ];
  if (!config || fileToCreate(invalidSettings, settingsFile)) {
    const rest: Check = {
      name: 'remaining checks',
      group: 'Settings',
      run: () =>
        skipped('fix the settings first', 'docs/settings.md describes each, .env.sample is an example.'),
    };
    return runChecks([...basics, rest]);
  }
  const context = createDoctorContext(config, { now, callTimeLimitInMs });
  try {
    const checks = tokens.length > 0 ? checksOfTokens(context, tokens) : checksOfSetUp(context);
    return await runChecks([...basics, ...checks], new Set(invalidSettings.map(fullName)));
  } finally {
    await context.http.close();
  }
}

/** In the order of their dependencies. */
function checksOfSetUp(context: DoctorContext): Check[] {
  const { config, http, clocksAheadInMs } = context;
  const { checks, keysOfEntra } = checksOfProviders(context);
  const communication = createCommunicationCheck(context);
  return [
    createCloudCheck(config),
    ...createProductionChecks(config),
    ...createConfigurationChecks(config),
    createPortCheck(config.port, http),
    ...checks,
    ...checksOfGraphReach(context),
    createClockCheck(clocksAheadInMs),
    ...checksOfGraphAccess(context, keysOfEntra),
    communication,
    ...createIdentityStoreChecks(context, [communication]),
  ];
}

interface ProviderChecks {
  readonly checks: readonly Check[];
  readonly keys: readonly Check[];
  readonly keysOfEntra: readonly Check[];
}

/** Whether each identity provider publishes what verifies its tokens. */
function checksOfProviders(context: DoctorContext): ProviderChecks {
  const entra = entraContextsOf(context).map(createAuthorityChecks);
  const others = context.openIdProviders.map((provider) => createOpenIdChecks(context, provider));
  const keysOfEntra = entra.map(({ signingKeys }) => signingKeys);
  return {
    checks: [
      ...entra.flatMap(({ metadata, v1Metadata, signingKeys }) => [metadata, v1Metadata, signingKeys]),
      ...others.flatMap(({ metadata, signingKeys }) => [metadata, signingKeys]),
    ],
    keys: [...keysOfEntra, ...others.map(({ signingKeys }) => signingKeys)],
    keysOfEntra,
  };
}

/** None if the identity store does not use Microsoft Graph. */
function checksOfGraphReach(context: DoctorContext): Check[] {
  const graph = graphStoreOf(context.config.identities);
  return graph ? [createGraphCheck(context, graph)] : [];
}

function checksOfGraphAccess(context: DoctorContext, needs: readonly Check[]): Check[] {
  const graph = graphStoreOf(context.config.identities);
  const [entra] = entraContextsOf(context);
  if (!graph || !entra) return [];
  const known: { graphToken?: string } = {};
  const accept = (graphToken: string) => (known.graphToken = graphToken);
  const credential = createClientCredentialCheck(entra, graph, needs, accept);
  const token = () => known.graphToken;
  return [
    credential,
    ...createSecretExpiryCheck(entra, graph, token),
    ...createPermissionChecks(token, [credential]),
  ];
}

function checksOfTokens(context: DoctorContext, tokens: readonly string[]): Check[] {
  const { checks, keys } = checksOfProviders(context);
  return [...checks, createClockCheck(context.clocksAheadInMs), ...createTokenChecks(context, tokens, keys)];
}

/** From the environment, since malformed settings contain secrets too. */
function secretsOf(environment: Environment): string[] {
  const connection = environment.COMMUNICATION_SERVICES_CONNECTION_STRING ?? '';
  const [, accessKey = ''] = /accesskey=([^;]+)/i.exec(connection) ?? [];
  const tables = environment.TABLES_CONNECTION_STRING ?? '';
  const [, accountKey = ''] = /accountkey=([^;]+)/i.exec(tables) ?? [];
  const { AZURE_CLIENT_SECRET, IDENTITY_MAPPING_KEY } = environment;
  return [AZURE_CLIENT_SECRET, IDENTITY_MAPPING_KEY, connection, accessKey, tables, accountKey]
    .map((secret) => secret?.trim() ?? '')
    .filter((secret) => secret !== '');
}
