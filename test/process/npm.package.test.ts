import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { projectRoot, readDocument } from '../docs/markdown';
import { freePort } from '../support/serverProcess';
import { until } from '../support/until';

/** A new app's folder, with the packed package installed and the examples of the guide copied. */
let folder: string;
let emulator: Emulator;

const { dependencies, devDependencies, overrides } = JSON.parse(
  readFileSync(join(projectRoot, 'package.json'), 'utf8'),
) as Record<'dependencies' | 'devDependencies', Record<string, string>> & {
  overrides: Record<'cache-manager' | 'passport-azure-ad', Record<string, unknown>>;
};
const versionOf = (name: string) => `${name}@${dependencies[name] ?? devDependencies[name] ?? ''}`;

const examples = new Map(
  readDocument('docs/your-own-express-app.md').codeBlocks.flatMap(({ info, text }): [string, string][] => {
    const [, file] = /^(?:js|ts) (app\.\w+)$/.exec(info) ?? [];
    return file === undefined ? [] : [[file, text]];
  }),
);
// Of this one, the guide has only the lines that replace the imports.
examples.set(
  'app.cjs',
  `${examples.get('app.cjs')}${examples.get('app.mjs')?.replaceAll(/^import .*\n/gm, '')}`,
);

const quiet = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' };

function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', args, {
    cwd,
    env: { ...process.env, ...quiet },
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

function tsc(...args: string[]): { failed: boolean; output: string } {
  const options = [
    '--strict',
    '--module',
    'node16',
    '--target',
    'es2022',
    '--types',
    'node',
    '--pretty',
    'false',
  ];
  try {
    const command = [join(folder, 'node_modules/typescript/bin/tsc'), ...options, ...args];
    return {
      failed: false,
      output: execFileSync(process.execPath, command, { cwd: folder, encoding: 'utf8' }),
    };
  } catch (error) {
    return { failed: true, output: String((error as { stdout?: unknown }).stdout) };
  }
}

beforeAll(async () => {
  emulator = await startEmulator();
  folder = mkdtempSync(join(tmpdir(), 'app-'));
  npm(projectRoot, 'pack', '--ignore-scripts', '--pack-destination', folder);
  const [archive = ''] = readdirSync(folder);
  // As the guide says.
  const copied = {
    'cache-manager': overrides['cache-manager'],
    'passport-azure-ad': overrides['passport-azure-ad'],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, overrides: copied }));
  const others = ['express', 'typescript', '@types/node'].map(versionOf);
  const sessions = ['express-session@1.19.0', '@types/express-session@1.19.0'];
  const express4 = 'types-of-express-4@npm:@types/express@4.17.23';
  npm(folder, 'install', '--prefer-offline', `./${archive}`, ...others, ...sessions, express4);
  for (const [file, text] of examples) writeFileSync(join(folder, file), text);
}, 600_000);
afterAll(async () => {
  await emulator.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface RunningApp {
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  readonly post: (path: string) => Promise<Response>;
}

/** Runs the app until `use` is done. It must end by itself on SIGTERM. */
async function run(file: string, use: (app: RunningApp) => Promise<void>): Promise<void> {
  const port = await freePort();
  const { PATH, NODE_EXTRA_CA_CERTS } = process.env;
  const app = spawn(process.execPath, [file], {
    cwd: folder,
    env: {
      PATH,
      NODE_EXTRA_CA_CERTS,
      ...emulator.settings(),
      SESSION_SECRET: 'of this test',
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  app.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  app.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(app, 'close');
  const call =
    (method: string) =>
    (path: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { Connection: 'close', ...headers } });
  try {
    await until(async () => {
      if (app.exitCode !== null) throw new Error(output);
      return (await call('GET')('/health').catch(() => undefined))?.status === 200;
    });
    await use({ get: call('GET'), post: call('POST') });
    app.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(output).toBe('');
  } finally {
    if (app.exitCode === null) app.kill('SIGKILL');
  }
}

it('has the examples of the guide', () => {
  expect([...examples.keys()]).toEqual(['app.mjs', 'app.cjs', 'app.mts']);
});

it('has the overridden packages', () => {
  const { passport, jws } = overrides['passport-azure-ad'];
  const expected = { passport, jws, async: overrides['cache-manager'].async };
  const tree = JSON.parse(npm(folder, 'ls', '--json', '--all', ...Object.keys(expected))) as Tree;
  const installed = Object.keys(expected).map((name) => [name, [...new Set(versionsIn(tree, name))]]);
  expect(installed).toEqual(Object.entries(expected).map(([name, version]) => [name, [version]]));
});

it('has a lock file that the npm of Node 20 and 22 accepts', () => {
  const clone = join(folder, 'clone');
  mkdirSync(clone);
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(projectRoot, file), join(clone, file));
  npm(clone, 'exec', '--yes', '--', 'npm@10.8.2', 'ci', '--dry-run', '--ignore-scripts');
}, 120_000);

interface Tree {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, Tree>>;
}

function versionsIn({ dependencies: children = {} }: Tree, name: string): (string | undefined)[] {
  return Object.entries(children).flatMap(([child, tree]) => [
    ...(child === name ? [tree.version] : []),
    ...versionsIn(tree, name),
  ]);
}

it.each(['app.mjs', 'app.cjs'])(
  'runs %s',
  async (file) => {
    await run(file, async ({ get }) => {
      const Authorization = `Bearer ${emulator.accessToken({ user: emulator.addUser() })}`;
      expect((await get('/acs/getToken', { Authorization })).status).toBe(200);
      expect((await get('/acs/getToken')).status).toBe(401);
      expect((await get('/acs/unknown')).headers.get('x-ms-request-id')).toBeNull();
    });
  },
  120_000,
);

it('serves requests in Jest, as the guide says', async () => {
  writeFileSync(join(folder, 'app.test.cjs'), jestTest);
  const jest = join(projectRoot, 'node_modules/jest/bin/jest.js');
  const { PATH, NODE_EXTRA_CA_CERTS } = process.env;
  // The emulator in this process must respond meanwhile.
  await promisify(execFile)(process.execPath, [jest, '--rootDir', folder, '--testMatch', '**/app.test.cjs'], {
    cwd: folder,
    env: {
      PATH,
      NODE_EXTRA_CA_CERTS,
      ...emulator.settings(),
      NODE_OPTIONS: '--experimental-vm-modules',
      ACCESS_TOKEN: emulator.accessToken({ user: emulator.addUser() }),
    },
  });
}, 120_000);

const jestTest = `
${examples.get('app.cjs')}
const { once } = require('node:events');
it('gets a token', async () => {
  if (!server.listening) await once(server, 'listening');
  const headers = { Authorization: 'Bearer ' + process.env.ACCESS_TOKEN, Connection: 'close' };
  expect((await fetch('http://127.0.0.1:' + server.address().port + '/acs/getToken', { headers })).status).toBe(200);
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await auth.stop();
});
`;

it('compiles app.mts, with the declarations checked, and runs it', async () => {
  expect(tsc('--skipLibCheck', 'false', '--outDir', 'out', 'app.mts')).toEqual({ failed: false, output: '' });
  await run('out/app.mjs', async ({ get, post }) => {
    expect((await get('/acs/getToken')).status).toBe(401);
    const [cookie = ''] = (await post('/sign-in')).headers.getSetCookie();
    const Cookie = cookie.split(';')[0] ?? '';
    const first = await get('/acs/getToken', { Cookie });
    expect(first.status).toBe(200);
    const { user } = (await first.json()) as { user: unknown };
    expect(await (await get('/acs/api/user', { Cookie })).json()).toEqual({ user });
  });
}, 240_000);

describe('the types', () => {
  const graph = `{ kind: 'graph', clientSecret: '', mappingKey: '' }`;
  const entra = `{ kind: 'entra', tenantId: '', clientId: '' }`;
  const oidc = `{ kind: 'oidc', issuer: '', audience: '' }`;
  const cases: [string, string, boolean][] = [
    ['the Graph store for Entra', `{ providers: [${entra}], store: ${graph}, communication: {} }`, true],
    ['pino as logger', `{ providers: [${entra}], store: ${graph}, communication: {}, logger: pino() }`, true],
    [
      'the Graph store for other users',
      `{ providers: [${oidc}], store: ${graph}, communication: {} }`,
      false,
    ],
    [
      'the Graph store for own users',
      `{ authenticate: () => undefined, store: ${graph}, communication: {} }`,
      false,
    ],
    [
      'moving own users from the Graph store',
      `{ authenticate: () => undefined, store: { kind: 'table', fallback: ${graph} }, communication: {} }`,
      false,
    ],
    ['no users', `{ store: ${graph}, communication: {} }`, false],
    ['an unknown option', `{ providers: [${entra}], store: ${graph}, communication: {}, port: 1 }`, false],
  ];

  it('allow only valid combinations', () => {
    const lines = cases.map(([, options], index) => `export const case${index}: Settings = ${options};`);
    const imports = [
      `import { pino } from 'pino';`,
      `import type { CommunicationAuthSettings as Settings } from 'acs-authentication-server';`,
    ];
    writeFileSync(join(folder, 'types.mts'), [...imports, ...lines].join('\n'));
    const { output } = tsc('--noEmit', 'types.mts');
    const wrongLines = new Set([...output.matchAll(/^types\.mts\((\d+),/gm)].map(([, line]) => Number(line)));
    const allowed = cases.map(([name], index) => [name, !wrongLines.has(index + imports.length + 1)]);
    expect(allowed).toEqual(cases.map(([name, , isAllowed]) => [name, isAllowed]));
  }, 120_000);

  it('let an app with Express 4 mount the router', () => {
    const lines = [
      `import type { Express } from 'types-of-express-4';`,
      `import type { CommunicationAuth } from 'acs-authentication-server';`,
      `export const mount = (app: Express, auth: CommunicationAuth) => app.use('/acs', auth.router);`,
    ];
    writeFileSync(join(folder, 'express4.mts'), lines.join('\n'));
    expect(tsc('--noEmit', 'express4.mts')).toEqual({ failed: false, output: '' });
  }, 120_000);
});

it('changes nothing of the process when it is imported and used twice', () => {
  writeFileSync(join(folder, 'process.cjs'), processScript);
  const output = execFileSync(process.execPath, ['process.cjs'], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
  });
  expect(JSON.parse(output)).toEqual([]);
}, 60_000);

const processScript = `
const http = require('node:http');
require('express');
// Node creates it at its first use.
void AbortController;
// Names that two packages add, and which belong to them alone: zod's registry, and tslib's helpers.
const isOfPackage = (name) => name.startsWith('__zod_') || name in require('tslib');
const shared = [globalThis, http, http.IncomingMessage.prototype, http.ServerResponse.prototype, http.globalAgent,
  Object, Object.prototype, Array.prototype, String.prototype, Number.prototype, Function.prototype, Promise.prototype,
  Date, Date.prototype, Error, Error.prototype, RegExp.prototype, Map.prototype, Set.prototype, Buffer,
  Buffer.prototype, JSON, Math, process, console, process.env];
// As numbers, so that what a getter gives is not asked for.
const ids = new Map();
const idOf = (value) => ids.get(value) ?? (ids.set(value, ids.size), ids.get(value));
const snapshot = () => [
  ...shared.flatMap((object, index) =>
    Reflect.ownKeys(object).filter((key) => object !== globalThis || !isOfPackage(String(key))).map((key) => {
      const { value, get, set } = Object.getOwnPropertyDescriptor(object, key);
      return [index, String(key), idOf(value), idOf(get), idOf(set)].join(' ');
    }),
  ),
  ...process.eventNames().map((name) => 'listeners ' + String(name) + ' ' + process.listenerCount(name)),
  'limit ' + Error.stackTraceLimit,
];
const before = snapshot();
const { createCommunicationAuth } = require('acs-authentication-server');
const key = Buffer.alloc(32, 1).toString('base64');
const connectionString = 'endpoint=https://127.0.0.1:9/;accesskey=' + key;
const provider = { kind: 'entra', tenantId: '7e4a0000-0000-4000-8000-000000000001', clientId: '7e4a0000-0000-4000-8000-000000000002' };
const create = (kind) => createCommunicationAuth({
  providers: [{ ...provider, authorityHost: 'https://127.0.0.1:9' }],
  store: kind === 'acs' ? { kind, mappingKey: key } : { kind, clientSecret: 'secret', mappingKey: key, endpoint: 'https://127.0.0.1:9' },
  communication: { connectionString },
});
const both = [create('graph'), create('acs')];
// By then the parts of the stores are loaded too.
Promise.all(both.map((auth) => auth.stop())).then(() => {
  const after = snapshot();
  const changes = [...after.filter((line) => !before.includes(line)), ...before.filter((line) => !after.includes(line))];
  process.stdout.write(JSON.stringify(changes));
});
`;
