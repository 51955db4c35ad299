import type { Emulator } from '../../emulator/startEmulator';
import { runDoctor } from '../../src/doctor/doctor';

export interface Examination {
  readonly exitCode: number;
  readonly output: string;
  /** The report's lines: `ok       clock: …`. */
  readonly lines: readonly string[];
  /** The line of that check, without padding: `problem client secret: …`. */
  readonly line: (check: string) => string | undefined;
}

export interface ExaminationOptions {
  settings?: Record<string, string>;
  args?: string[];
  input?: string;
  now?: () => number;
  /** Whether the report goes to a terminal. */
  isTTY?: boolean;
}

/** Runs the doctor with the emulator's settings and these changes, on any free port unless the test sets one. */
export async function examine(emulator: Emulator, options: ExaminationOptions = {}): Promise<Examination> {
  const environment = { PORT: '0', ...emulator.settings(), ...options.settings };
  const written: string[] = [];
  const exitCode = await runDoctor({
    args: options.args ?? [],
    environment,
    startedWith: process.env,
    out: { write: (text) => written.push(text), isTTY: options.isTTY ?? false },
    readInput: () => Promise.resolve(options.input ?? ''),
    ...(options.now ? { now: options.now } : {}),
  });
  const output = written.join('');
  expectNoSecrets(output, environment);
  return asExamination(exitCode, output);
}

export function asExamination(exitCode: number, output: string): Examination {
  // Without marks and padding, and with the remedy on the same line: `status name: message -> remedy`.
  const lines: string[] = [];
  for (const line of output.split('\n').filter((text) => text !== '')) {
    const [, status, name, message] = /^\S (\w+) +(.+?) {2,}(.*)$/.exec(line) ?? [];
    if (status !== undefined) lines.push(`${status.padEnd(7)}  ${name ?? ''}: ${message ?? ''}`);
    else if (line.startsWith('   ')) lines.push(`${lines.pop() ?? ''} ${line.trim()}`);
    else lines.push(line);
  }
  return {
    exitCode,
    output,
    lines,
    line: (check) =>
      lines
        .map((line) => line.replace(/ +/, ' '))
        .find((line) => line.split(' ').slice(1).join(' ').startsWith(`${check}: `)),
  };
}

/** Checks that the doctor printed no secret from the settings and no token. */
export function expectNoSecrets(output: string, environment: Record<string, string>): void {
  const { AZURE_CLIENT_SECRET, IDENTITY_MAPPING_KEY, COMMUNICATION_SERVICES_CONNECTION_STRING } = environment;
  const [, accessKey] = (COMMUNICATION_SERVICES_CONNECTION_STRING ?? '').split('accesskey=');
  for (const secret of [AZURE_CLIENT_SECRET, IDENTITY_MAPPING_KEY, accessKey]) {
    if (secret) expect(output).not.toContain(secret);
  }
  expect(output).not.toMatch(/eyJ[\w-]{5,}/);
}
