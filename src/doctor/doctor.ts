import type { Config, Environment } from '../config/config';
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
import { createPortCheck } from './checks/port';
import { createRuntimeChecks } from './checks/runtime';
import { createSecretExpiryCheck } from './checks/secretExpiry';
import { createSettingsCheck } from './checks/settings';
import { parseOptions, splitTokens, usage } from './options';
import { createReport, type Output } from './report';
import { createDoctorContext, type DoctorContext, entraContextsOf } from './context';
import { createTokenChecks } from './token/tokenChecks';

export interface DoctorCall {
  readonly args: readonly string[];
  /** The settings, including those of .env. */
  readonly environment: Environment;
  /** The environment that the process was started with: Node.js reads only that. */
  readonly startedWith: Environment;
  readonly out: Output;
  /** Reads standard input to its end; called only if a token comes from there. */
  readonly readInput: () => Promise<string>;
  readonly now?: () => number;
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

  const colored = out.isTTY === true && !environment.NO_COLOR;
  const report = createReport(out, colored, [...secretsOf(environment), ...tokens]);
  const findings = await runCheck(call, tokens, report.onFinding);
  report.summarize(findings);
  return findings.some(({ status }) => status === 'problem') ? 1 : 0;
}

async function runCheck(
  { environment, startedWith, now = Date.now }: DoctorCall,
  tokens: readonly string[],
  onFinding: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const known: { config?: Config } = {};
  const settings = createSettingsCheck(environment, (config) => (known.config = config));
  const basics = await runChecks(
    [...createRuntimeChecks(process.version, startedWith, environment), settings],
    onFinding,
  );
  if (!known.config) {
    const rest: Check = {
      name: 'remaining checks',
      run: () =>
        skipped(
          'fix the settings above first',
          'Set them in the environment or in .env; .env.sample is an example.',
        ),
    };
    return [...basics, ...(await runChecks([rest], onFinding))];
  }
  const context = createDoctorContext(known.config, now);
  try {
    const checks = tokens.length > 0 ? checksOfTokens(context, tokens) : checksOfSetUp(context, environment);
    return [...basics, ...(await runChecks(checks, onFinding))];
  } finally {
    await context.http.close();
  }
}

/** In the order of their dependencies. */
function checksOfSetUp(context: DoctorContext, environment: Environment): Check[] {
  const { config, http, clocksAheadInMs } = context;
  const { checks, keysOfEntra } = checksOfProviders(context);
  const communication = createCommunicationCheck(context, environment);
  return [
    createCloudCheck(config),
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

/** Left out where the identity store does without Microsoft Graph. */
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
