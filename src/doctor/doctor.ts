import type { Config, Environment } from '../config/config';
import { type Check, type Finding, runChecks, skipped } from './check';
import { createAuthorityChecks } from './checks/authority';
import { createChoiceChecks } from './checks/choices';
import { createClientCredentialCheck } from './checks/clientCredential';
import { createClockCheck } from './checks/clock';
import { createCommunicationCheck } from './checks/communication';
import { createGraphCheck, createPermissionChecks } from './checks/graph';
import { createPortCheck } from './checks/port';
import { createRuntimeChecks } from './checks/runtime';
import { createSettingsCheck } from './checks/settings';
import { parseOptions, splitTokens, usage } from './options';
import { createReport, type Output } from './report';
import { createSurroundings, type Surroundings } from './surroundings';
import { createTokenChecks } from './token/tokenChecks';

export interface DoctorCall {
  readonly args: readonly string[];
  /** The settings, those of .env among them, … */
  readonly environment: Environment;
  /** … and the environment that the process was started with: only that counts for Node itself. */
  readonly startedWith: Environment;
  readonly out: Output;
  /** Standard input to its end; asked only if a token is to come from there. */
  readonly readInput: () => Promise<string>;
  readonly now?: () => number;
}

/** Examines, reports, and returns the exit code. */
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
    out.write(`There is no token to explain.\n${usage}`);
    return 2;
  }

  const colourful = out.isTTY === true && !environment.NO_COLOR;
  const report = createReport(out, colourful, [...secretsOf(environment), ...tokens]);
  const findings = await examine(call, tokens, report.tell);
  report.conclude(findings);
  return findings.some(({ verdict }) => verdict === 'problem') ? 1 : 0;
}

async function examine(
  { environment, startedWith, now = Date.now }: DoctorCall,
  tokens: readonly string[],
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const known: { config?: Config } = {};
  const settings = createSettingsCheck(environment, (config) => (known.config = config));
  const basics = await runChecks(
    [...createRuntimeChecks(process.version, startedWith, environment), settings],
    tell,
  );
  if (!known.config) {
    const rest: Check = {
      name: 'all else',
      run: () =>
        skipped(
          'the settings must be right first',
          'Put them into the environment, or into .env: .env.sample shows how.',
        ),
    };
    return [...basics, ...(await runChecks([rest], tell))];
  }
  const surroundings = createSurroundings(known.config, now);
  try {
    const checks =
      tokens.length > 0 ? checksOfTokens(surroundings, tokens) : checksOfSetUp(surroundings, environment);
    return [...basics, ...(await runChecks(checks, tell))];
  } finally {
    await surroundings.http.close();
  }
}

/** In the order in which things build upon each other. */
function checksOfSetUp(surroundings: Surroundings, environment: Environment): Check[] {
  const { config, http, clocksAheadInMs } = surroundings;
  const { metadata, v1Metadata, signingKeys } = createAuthorityChecks(surroundings);
  const known: { graphToken?: string } = {};
  const credential = createClientCredentialCheck(
    surroundings,
    [signingKeys],
    (graphToken) => (known.graphToken = graphToken),
  );
  return [
    ...createChoiceChecks(config),
    createPortCheck(config.port, http),
    metadata,
    v1Metadata,
    signingKeys,
    createGraphCheck(surroundings),
    createClockCheck(clocksAheadInMs),
    credential,
    ...createPermissionChecks(() => known.graphToken, [credential]),
    createCommunicationCheck(surroundings, environment),
  ];
}

function checksOfTokens(surroundings: Surroundings, tokens: readonly string[]): Check[] {
  const { metadata, v1Metadata, signingKeys } = createAuthorityChecks(surroundings);
  return [
    metadata,
    v1Metadata,
    signingKeys,
    createClockCheck(surroundings.clocksAheadInMs),
    ...createTokenChecks(surroundings, tokens, [signingKeys]),
  ];
}

/** As they stand in the environment, since malformed settings have their secrets, too. */
function secretsOf(environment: Environment): string[] {
  const connection = environment.COMMUNICATION_SERVICES_CONNECTION_STRING ?? '';
  const [, accessKey = ''] = /accesskey=([^;]+)/i.exec(connection) ?? [];
  return [environment.AZURE_CLIENT_SECRET, environment.IDENTITY_MAPPING_KEY, connection, accessKey]
    .map((secret) => secret?.trim() ?? '')
    .filter((secret) => secret !== '');
}
