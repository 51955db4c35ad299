import type { Emulator } from '../../emulator/startEmulator';
import type { SettingsFile } from '../../src/doctor/checks/settings';
import { runDoctor } from '../../src/doctor/doctor';

export interface DoctorResult {
  readonly exitCode: number;
  /** All lines. */
  readonly output: string;
  /** A line for each finding, `ok       clock: message -> cause fix`, and the summary. */
  readonly lines: readonly string[];
  /** The line of that check, without padding: `problem client secret: …`. */
  readonly line: (check: string) => string | undefined;
}

export interface DoctorTestOptions {
  settings?: Record<string, string>;
  /** The environment that the process was started with; by default that of the tests. */
  startedWith?: Record<string, string>;
  args?: string[];
  input?: string;
  now?: () => number;
  /** Whether the report goes to a terminal. */
  isTTY?: boolean;
  settingsFile?: SettingsFile;
  callTimeLimitInMs?: number;
}

/** Busy machines need their time: only tests of calls without a response shorten it. */
const timeLimitInMs = 60_000;

/** Runs the doctor with the emulator's settings and these changes, on any free port unless the test sets one. */
export async function diagnose(emulator: Emulator, options: DoctorTestOptions = {}): Promise<DoctorResult> {
  const { exitCode, output } = await runForPeople(emulator, {
    ...options,
    args: [...(options.args ?? []), '--json'],
  });
  return parseReport(exitCode, output);
}

/** The same, with the report for people. */
export async function runForPeople(
  emulator: Emulator,
  options: DoctorTestOptions = {},
): Promise<{ exitCode: number; output: string }> {
  const environment = { PORT: '0', ...emulator.settings(), ...options.settings };
  const written: string[] = [];
  const exitCode = await runDoctor({
    args: options.args ?? [],
    environment,
    startedWith: options.startedWith ?? process.env,
    out: { write: (text) => written.push(text), isTTY: options.isTTY ?? false },
    readInput: () => Promise.resolve(options.input ?? ''),
    callTimeLimitInMs: options.callTimeLimitInMs ?? timeLimitInMs,
    ...(options.settingsFile ? { settingsFile: options.settingsFile } : {}),
    ...(options.now ? { now: options.now } : {}),
  });
  const output = written.join('');
  expectNoSecrets(output, environment);
  return { exitCode, output };
}

interface Report {
  summary: string;
  findings: { check: string; status: string; message: string; cause?: string; fix?: string }[];
}

/** Parses the output of `--json`; a usage text has lines only. */
export function parseReport(exitCode: number, printed: string): DoctorResult {
  const lines = printed.startsWith('{') ? linesOf(JSON.parse(printed) as Report) : printed.split('\n');
  return {
    exitCode,
    output: lines.join('\n'),
    lines,
    line: (check) =>
      lines
        .map((line) => line.replace(/ +/, ' '))
        .find((line) => line.split(' ').slice(1).join(' ').startsWith(`${check}: `)),
  };
}

function linesOf({ findings, summary }: Report): string[] {
  const lines = findings.map(({ check, status, message, cause, fix }) => {
    const advice = [cause, fix].filter((text) => text !== undefined).join(' ');
    return `${status.padEnd(7)}  ${check}: ${message}${advice === '' ? '' : ` -> ${advice}`}`;
  });
  return [...lines, summary];
}

/** Checks that the doctor printed no secret from the settings and no token. */
export function expectNoSecrets(output: string, environment: Record<string, string>): void {
  const { AZURE_CLIENT_SECRET, IDENTITY_MAPPING_KEY, ...others } = environment;
  const inConnectionStrings = ['COMMUNICATION_SERVICES', 'TABLES', 'APPLICATIONINSIGHTS'].map(
    (name) =>
      /(?:AccountKey|accesskey|InstrumentationKey)=([^;]+)/.exec(
        others[`${name}_CONNECTION_STRING`] ?? '',
      )?.[1],
  );
  for (const secret of [AZURE_CLIENT_SECRET, IDENTITY_MAPPING_KEY, ...inConnectionStrings]) {
    if (secret) expect(output).not.toContain(secret);
  }
  expect(output).not.toContain('PRIVATE KEY-----');
  expect(output).not.toMatch(/eyJ[\w-]{5,}/);
}
