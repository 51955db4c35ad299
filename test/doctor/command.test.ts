import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { parseReport, diagnose, expectNoSecrets } from './diagnose';

const built = resolve(__dirname, '../../dist/doctor/main.js');

let emulator: Emulator;
let folder: string;
beforeAll(async () => (emulator = await startEmulator()));
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'doctor-'))));
afterEach(() => {
  rmSync(folder, { recursive: true });
  emulator.reset();
});
afterAll(() => emulator.stop());

interface CommandOptions {
  args?: string[];
  /** The contents of .env. */
  settings?: Record<string, string>;
  /** Whether the process is started with NODE_EXTRA_CA_CERTS. */
  trusting?: boolean;
  input?: string;
  /** How .env is written; by default in UTF-8. */
  write?: (file: string, text: string) => void;
}

/** The built command as users run it: a separate process with its settings in .env. */
async function run({
  args = [],
  settings = {},
  trusting = true,
  input = '',
  write = writeFileSync,
}: CommandOptions) {
  expect(existsSync(built)).toBe(true);
  const all: Record<string, string> = { PORT: '0', ...emulator.settings(), ...settings };
  const lines = Object.entries(all).map(([name, value]) => `${name}="${value}"`);
  write(join(folder, '.env'), lines.join('\n'));
  const child = spawn(process.execPath, [built, ...args, '--json'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      ...(trusting ? { NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS } : {}),
    },
  });
  child.stdin.end(input);
  const [output, errors, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  expectNoSecrets(output + errors, all);
  return { ...parseReport(exitCode, output), errors };
}

describe('the built command', () => {
  it('reads .env, finds no problem and exits with 0', async () => {
    const { exitCode, lines, errors } = await run({});
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
    expect(lines.at(-1)).toBe('No problem, 1 not checked.');
  });

  it('exits with 1 if there is a problem', async () => {
    const { exitCode, line } = await run({ settings: { AZURE_CLIENT_SECRET: 'not-the-client-secret' } });
    expect(exitCode).toBe(1);
    expect(line('client secret')).toMatch(/^problem .*AADSTS7000215/);
  });

  it('explains a token from standard input', async () => {
    const { exitCode, line } = await run({
      args: ['--token', '-'],
      input: emulator.accessToken({ defect: 'expired' }),
    });
    expect(exitCode).toBe(1);
    expect(line('access token, response')).toContain('401 invalid_token (token_expired)');
  });

  it('says how to trust an unknown certificate', async () => {
    const { exitCode, line } = await run({ trusting: false });
    expect(exitCode).toBe(1);
    for (const check of ['Entra metadata v2', 'Microsoft Graph', 'Communication Services'])
      expect(line(check)).toMatch(/^problem .*does not trust the certificate .*NODE_EXTRA_CA_CERTS/);
  });

  it('reports that NODE_EXTRA_CA_CERTS has no effect in .env', async () => {
    const { line } = await run({
      settings: { NODE_EXTRA_CA_CERTS: '/some/ca.pem' },
      trusting: false,
    });
    expect(line('trust')).toMatch(/^warning .*is set in \.env/);
  });

  it('reads a .env in UTF-16, as Windows PowerShell writes it', async () => {
    const { exitCode } = await run({
      write: (file, text) => writeFileSync(file, `\uFEFF${text}`, 'utf16le'),
    });
    expect(exitCode).toBe(0);
  });

  it('says that it cannot read .env', async () => {
    const { exitCode, errors } = await run({ write: (file) => mkdirSync(file) });
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^Cannot read \S+\.env: /);
  });

  it('exits with 2 for an unknown option', async () => {
    const { exitCode, output } = await run({ args: ['--frobnicate'] });
    expect(exitCode).toBe(2);
    expect(output).toMatch(/^usage: npm run doctor/);
  });
});

test.each([
  { args: ['stray'], exitCode: 2 },
  { args: ['--token'], exitCode: 2 },
  { args: ['--help'], exitCode: 0 },
])('the doctor prints its usage for $args, with exit code $exitCode', async ({ args, exitCode }) => {
  const result = await diagnose(emulator, { args });
  expect(result.exitCode).toBe(exitCode);
  expect(result.output).toMatch(/^usage: npm run doctor/);
});
