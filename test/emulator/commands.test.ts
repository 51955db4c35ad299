import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommunicationIdentityClient } from '@azure/communication-identity';
import { azuriteStartTimeoutInMs } from '../support/azurite';
import { freePort } from '../support/serverProcess';

/** The built programs that `npm run local`, `emulator` and `token` start. */
interface Program {
  child: ChildProcess;
  output: () => string;
  errors: () => string;
  exited: Promise<unknown>;
}

const readme = join(__dirname, '../../README.md');
const running = new Set<ChildProcess>();
afterEach(() => {
  running.forEach((child) => child.kill('SIGKILL'));
  running.clear();
});

function start(program: string, args: string[], environment: Record<string, string> = {}): Program {
  const file = join(__dirname, '../../build/emulator', `${program}.js`);
  const child = spawn(process.execPath, [file, ...args], { env: { ...process.env, ...environment } });
  running.add(child);
  const [output, errors]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const exited = once(child, 'close').then(([code]: unknown[]) => code);
  return { child, output: () => output.join(''), errors: () => errors.join(''), exited };
}

/** As `npm run doctor:emulator`, with a token on its standard input. */
function startDoctor(args: string[], token: string): Program {
  const doctor = start('../../dist/doctor/main', args, { NODE_EXTRA_CA_CERTS: '.emulator/ca.pem' });
  doctor.child.stdin?.end(token);
  return doctor;
}

async function says(program: Program, text: string): Promise<void> {
  while (!program.output().includes(text)) {
    const ended = program.child.exitCode !== null || program.child.signalCode !== null;
    if (ended) throw new Error(`it stopped: ${program.errors()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function environmentWithFreePorts(): Promise<Record<string, string>> {
  return {
    PORT: String(await freePort()),
    EMULATOR_PORT: String(await freePort()),
    PLAYGROUND_PORT: String(await freePort()),
  };
}

describe('npm run local', () => {
  let local: Program;
  let ports: Record<string, string>;
  let screen: string[];
  beforeAll(async () => {
    ports = await environmentWithFreePorts();
    local = start('local', [], ports);
    // It stops its own processes only if it is asked to stop.
    running.delete(local.child);
    await says(local, 'Ctrl-C stops everything.');
    screen = local.output().trimEnd().split('\n');
  });
  afterAll(async () => {
    local.child.kill('SIGTERM');
    await local.exited;
  });
  const curls = () => screen.filter((line) => line.startsWith('curl '));

  test('fits one terminal of 80 columns and 24 rows, with curls of 100 characters at most', () => {
    expect(rowsOf(screen)).toBeLessThanOrEqual(24);
    expect(screen.filter((line) => line.length > (line.startsWith('curl ') ? 100 : 80))).toEqual([]);
    expect(local.output()).not.toMatch(/eyJ|\u001b/);
  });

  test('is shown in the README, with the default ports', () => {
    const [, shown] =
      /```text\n( {2}ACS authentication server[^]*?)\n```/.exec(readFileSync(readme, 'utf8')) ?? [];
    const defaults = { PORT: 3000, PLAYGROUND_PORT: 5173, EMULATOR_PORT: 8443 };
    const printed = Object.entries(defaults).reduce(
      (text, [setting, port]) => text.replaceAll(`localhost:${ports[setting] ?? ''}`, `localhost:${port}`),
      screen.join('\n'),
    );
    expect(shown).toBe(printed.trim().replace(/^/, '  '));
  });

  test('prints commands that work as they are', async () => {
    const statuses = [];
    for (const call of curls()) statuses.push((await callAsCurl(call)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 204]);
  });

  test('keeps its tokens in files that only its user can read, and on Ctrl-C removes them and stops', async () => {
    const files = [...new Set(curls().flatMap(headerFiles))];
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(readFileSync(file, 'utf8')).toMatch(/^[\w-]+: (Bearer )?eyJ[\w.-]+\n$/);
    }
    const requests = /In an editor: (\S+)/.exec(local.output())?.[1] ?? '';
    const variables = readFileSync(requests, 'utf8').matchAll(/^@(\w+) = (eyJ|http:|ca201000)/gm);
    const names = ['baseUrl', 'accessToken', 'teamsUserAadToken', 'administratorToken', 'objectId'];
    expect([...variables].map(([, name]) => name)).toEqual(names);
    files.push(requests);
    for (const file of files) {
      if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    const [call = ''] = curls();
    const request = requestOf(call);
    local.child.kill('SIGINT');
    expect(await local.exited).toBe(0);
    expect(files.filter(existsSync)).toEqual([]);
    await expect(fetch(...request)).rejects.toThrow();
  });
});

/** npm prints two rows, and the next prompt takes one. */
const rowsOf = (screen: readonly string[]): number =>
  screen.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 80)), 0);

test.each<{ args: string[]; says: string[]; statuses: number[]; token: string[] }>([
  {
    args: ['--store', 'table'],
    says: ['Entra ID and ACS; identities in Azurite'],
    statuses: [200, 200, 200, 200, 204],
    token: ['--user', 'bob'],
  },
  {
    args: ['--provider', 'b2c'],
    says: ['Azure AD B2C, policy B2C_1_susi', 'stored in Communication Services (IDENTITY_STORE=acs)'],
    statuses: [200, 200, 200, 204],
    token: ['--provider', 'b2c', '--user', 'bob'],
  },
  {
    args: ['--provider', 'oidc'],
    says: ['an OpenID Connect provider (IDENTITY_PROVIDER=oidc)'],
    statuses: [200, 200, 200, 204],
    token: ['--provider', 'oidc', '--user', 'bob'],
  },
])(
  'npm run local -- $args --trace prints commands that work, in one screen, and stops on Ctrl-C',
  async ({ args, says: texts, statuses, token }) => {
    const ports = await environmentWithFreePorts();
    const local = start('local', [...args, '--trace'], ports);
    // It stops its own processes only if it is asked to stop.
    running.delete(local.child);
    try {
      await says(local, 'Ctrl-C stops everything.');
      for (const text of texts) expect(local.output()).toContain(text);
      // Before it come warnings of the server; before and after it, traces of what the server loads.
      const [, shown = ''] = /(\n {2}ACS .*?Ctrl-C stops everything\.)/s.exec(local.output()) ?? [];
      const screen = shown.split('\n');
      expect(rowsOf(screen)).toBeLessThanOrEqual(24);
      expect(screen.filter((line) => line.length > 80 && !line.startsWith('curl '))).toEqual([]);
      const calls = screen.filter((line) => line.startsWith('curl '));
      const received = [];
      for (const call of calls) received.push((await callAsCurl(call)).status);
      expect(received).toEqual(statuses);
      await says(local, '└─ ');
      expect(local.output()).toMatch(
        /^GET \/getToken {2}200 {2}[\d.]+ ms {2}trace [0-9a-f]{32}\n(├─ .+ ms\n)*└─ Azure .+ ms$/m,
      );

      expect(local.output()).toContain(`npm run -s token -- ${token.join(' ')}`);
      const printed = start('token', token, ports);
      expect(await printed.exited).toBe(0);
      const headers = { authorization: `Bearer ${printed.output().trim()}` };
      const [url] = requestOf(calls[0] ?? '');
      expect((await fetch(url, { headers })).status).toBe(200);

      const [, settingsFile] = / doctor:emulator -- --env (\S+)/.exec(local.output()) ?? [];
      if (settingsFile) {
        const doctor = startDoctor(['--env', settingsFile, '--token', '-'], printed.output());
        expect([await doctor.exited, doctor.output()]).toEqual([0, expect.stringContaining('No problem.')]);
      }
      expect(settingsFile !== undefined).toBe(args.includes('--provider'));
    } finally {
      local.child.kill('SIGINT');
    }
    expect(await local.exited).toBe(0);
  },
  azuriteStartTimeoutInMs,
);

const headerFiles = (call: string): string[] =>
  [...call.matchAll(/-H "@([^"]+)"/g)].map(([, file = '']) => join(process.cwd(), file));

function requestOf(call: string): Parameters<typeof fetch> {
  const headers = headerFiles(call).map((file) => {
    const [name = '', value = ''] = readFileSync(file, 'utf8').trim().split(': ');
    return [name, value] as [string, string];
  });
  const method = /-X (\w+)/.exec(call)?.[1] ?? 'GET';
  return [/http:\S+$/.exec(call)?.[0] ?? '', { method, headers }];
}

const callAsCurl = (call: string): Promise<Response> => fetch(...requestOf(call));

describe('a port in use gives one line and exit code 1:', () => {
  test.each([
    ['local', 'PORT'],
    ['local', 'EMULATOR_PORT'],
    ['main', 'EMULATOR_PORT'],
  ])('%s, %s', async (program, variable) => {
    const environment = await environmentWithFreePorts();
    const other = createServer().listen(Number(environment[variable]), '127.0.0.1');
    await once(other, 'listening');
    try {
      const started = start(program, [], environment);

      expect(await started.exited).toBe(1);
      expect(started.output()).toBe('');
      expect(started.errors()).toBe(
        `Port ${environment[variable] ?? ''} is in use by another process. Stop that one, or set ${variable} to a free port.\n`,
      );
    } finally {
      other.close();
    }
  });
});

describe('with a running emulator', () => {
  test('token prints only a token, or an error', async () => {
    const environment = await environmentWithFreePorts();
    const main = start('main', [], environment);
    await says(main, 'Ctrl-C stops it.');

    const token = start('token', ['--user', 'bob', '--scope', 'other'], environment);
    expect(await token.exited).toBe(0);
    expect(token.output()).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(claimsOf(token.output())).toMatchObject({
      preferred_username: 'bob@contoso.example',
      scp: 'other',
    });

    const teams = start('token', ['--teams'], environment);
    expect(await teams.exited).toBe(0);
    expect(claimsOf(teams.output())).toMatchObject({ upn: 'carol@contoso.example' });

    const unknownUser = start('token', ['--user', 'nobody'], environment);
    expect(await unknownUser.exited).toBe(1);
    expect([unknownUser.output(), unknownUser.errors()]).toEqual(['', 'The emulator has no user "nobody"\n']);

    main.child.kill('SIGINT');
    expect(await main.exited).toBe(0);
    const late = start('token', [], environment);
    expect(await late.exited).toBe(1);
    expect(late.errors()).toMatch(
      /^No emulator responds on https:\/\/localhost:\d+ .+ Start it: npm run emulator; or set EMULATOR_PORT to its port\.\n$/,
    );
  });
});

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

test.each(['local', 'main'])('%s does not start in production', async (program) => {
  const started = start(program, [], { ...(await environmentWithFreePorts()), NODE_ENV: 'production' });

  expect(await started.exited).toBe(1);
  expect(started.errors()).toBe('The emulator does not start with NODE_ENV=production\n');
});

test('--data keeps the identities over a restart of the command', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'emulator-command-data-'));
  const environment = await environmentWithFreePorts();
  const control = `https://localhost:${environment.EMULATOR_PORT ?? ''}/_emulator`;
  const identities = async (): Promise<unknown> => (await fetch(`${control}/identities`)).json();
  const withCommand = async (work: () => Promise<void>): Promise<void> => {
    const main = start('main', ['--data', folder], environment);
    await says(main, 'Ctrl-C stops it.');
    await work();
    main.child.kill('SIGTERM');
    expect(await main.exited).toBe(0);
  };
  try {
    let before: unknown;
    await withCommand(async () => {
      const settings = (await (await fetch(`${control}/settings`)).json()) as Record<string, string>;
      const connectionString = settings.COMMUNICATION_SERVICES_CONNECTION_STRING ?? '';
      const { communicationUserId } = await new CommunicationIdentityClient(connectionString).createUser();
      before = await identities();
      expect(before).toMatchObject([{ id: communicationUserId }]);
    });
    await withCommand(async () => expect(await identities()).toEqual(before));
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('public names', () => {
  test.each<[string, string[], Record<string, string>]>([
    ['--public-names', ['--public-names'], {}],
    ['EMULATOR_PUBLIC_NAMES=1', [], { EMULATOR_PUBLIC_NAMES: '1' }],
  ])('are announced with %s', async (_how, args, environment) => {
    const emulator = start('main', args, { ...(await environmentWithFreePorts()), ...environment });
    await says(emulator, 'Ctrl-C stops it.');
    expect(emulator.output()).toContain('It also responds as login.microsoftonline.com');
    expect(emulator.output()).toContain('public-names/trust.pem');
  });

  test('are refused with an unknown value or option', async () => {
    const [value, option] = [start('main', [], { EMULATOR_PUBLIC_NAMES: 'yes' }), start('main', ['--names'])];
    expect([await value.exited, await option.exited]).toEqual([1, 1]);
    expect(value.errors()).toBe('EMULATOR_PUBLIC_NAMES must be 1 or 0, not "yes"\n');
    expect(option.errors()).toContain("Unknown option '--names'");
  });
});

describe('withLocalCa', () => {
  const print = 'process.stdout.write(process.env.NODE_EXTRA_CA_CERTS ?? "none"); process.exitCode = 7';

  test('runs a command that trusts the emulator, and exits with its code', async () => {
    const wrapped = start('withLocalCa', ['node', '-e', print]);

    expect(await wrapped.exited).toBe(7);
    expect(wrapped.output()).toMatch(/\.emulator.ca\.pem$/);
  });

  test('finds the commands of packages', async () => {
    const wrapped = start('withLocalCa', ['prettier', '--version']);

    expect(await wrapped.exited).toBe(0);
    expect(wrapped.output()).toMatch(/^\d+\.\d+/);
  });

  test('passes a signal on', async () => {
    const program =
      'process.on("SIGTERM", () => process.exit(3)); setInterval(() => {}, 1000); console.log("up")';
    const wrapped = start('withLocalCa', ['node', '-e', program]);
    await says(wrapped, 'up');
    wrapped.child.kill('SIGTERM');

    expect(await wrapped.exited).toBe(3);
  });

  test('reports an unknown command', async () => {
    const wrapped = start('withLocalCa', ['no-such-command']);

    expect(await wrapped.exited).toBe(1);
    expect(wrapped.errors()).toMatch(/^withLocalCa: cannot run no-such-command/);
  });
});

describe('the ports of npm run local', () => {
  test('are all checked before anything is built, and named with their settings', async () => {
    const environment = await environmentWithFreePorts();
    const used = ['PORT', 'EMULATOR_PORT'];
    const others = used.map((setting) => createServer().listen(Number(environment[setting])));
    await Promise.all(others.map((other) => once(other, 'listening')));
    try {
      const runner = join(__dirname, '../../scripts/run.mjs');
      const child = spawn(process.execPath, [runner, '--ports', 'no-such-target', '--', 'no-such-program'], {
        env: { ...process.env, ...environment },
      });
      const errors: string[] = [];
      child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
      expect((await once(child, 'close'))[0]).toBe(1);
      expect(errors.join('').trimEnd().split('\n')).toEqual([
        ...used.map(
          (setting) => `Port ${environment[setting] ?? ''} is in use: set ${setting} to a free port.`,
        ),
        'Or stop the programs that use them.',
      ]);
    } finally {
      others.forEach((other) => other.close());
    }
  });
});
