import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureCertificates } from '../emulator/certificates/loopbackCertificates';
import { projectRoot } from '../emulator/projectRoot';
import { type Emulator, startEmulator, type User } from '../emulator/startEmulator';
import { call } from './call';
import { type MeasuredProcess, startProcess } from './childProcess';
import type { Cores } from './cores';

/** The servers, users and tokens for the measurements. */
export interface Workbench {
  readonly emulator: Emulator;
  readonly authorityFile: string;
  /** Starts the built server as in production, without rate limits; `settings` override. */
  startServer(settings?: Record<string, string>): Promise<MeasuredProcess>;
  /** Starts another Node.js program under the same conditions. */
  startNode(
    name: string,
    nodeArguments: readonly string[],
    environment: Record<string, string>,
  ): Promise<MeasuredProcess>;
  /** Starts a program that takes a share of the core of the servers. Returns how to stop it. */
  keepServerCoreBusy(): () => void;
  /** Resets the emulator and makes it sign cheaply. */
  reset(): void;
  /** Access tokens of new users, who have no identity. */
  newUsers(count: number): AccessToken[];
  /** Access tokens of users whose identities another server has created. */
  knownUsers(count: number): Promise<AccessToken[]>;
  close(): Promise<void>;
}

export interface AccessToken {
  readonly user: User;
  readonly text: string;
}

/** Settings that disable the caches of users and tokens, so that every call is cold. */
export const uncachedSettings = {
  TOKEN_REUSE_MINUTES: '0',
  IDENTITY_CACHE_MINUTES: '0',
  OBO_TOKEN_CACHE_SIZE: '1',
  BEARER_TOKEN_CACHE_SIZE: '1',
};

export async function openWorkbench(cores: Cores | undefined): Promise<Workbench> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const { authorityFile } = await ensureCertificates();
  const emulator = await startEmulator();
  const running = new Set<MeasuredProcess>();
  let started = 0;

  const bench: Workbench = {
    emulator,
    authorityFile,

    async startServer(settings = {}) {
      const server = await bench.startNode('server', await productionArguments(), {
        ...emulator.settings(),
        NODE_ENV: 'production',
        NODE_EXTRA_CA_CERTS: authorityFile,
        LOG_LEVEL: 'info',
        RATE_LIMIT_USER: '0',
        RATE_LIMIT_REJECTED: '0',
        ...settings,
      });
      while ((await call(server.url, { path: '/health/ready' })).status !== 200) await sleep(50);
      return server;
    },

    async startNode(name, nodeArguments, environment) {
      started += 1;
      const child = await startProcess({
        name: `${name}-${started}`,
        nodeArguments,
        environment: { PORT: '0', ...environment },
        folder,
        core: cores?.server,
      });
      running.add(child);
      return {
        ...child,
        async stop() {
          running.delete(child);
          await child.stop();
        },
      };
    },

    keepServerCoreBusy() {
      const program = [process.execPath, '-e', 'for (;;);'];
      const [command = '', ...args] = cores ? ['taskset', '-c', cores.server, ...program] : program;
      const child = spawn(command, args, { stdio: 'ignore' });
      // Otherwise a benchmark that fails would wait for it.
      child.unref();
      const stop = () => void child.kill('SIGKILL');
      process.once('exit', stop);
      return () => {
        process.removeListener('exit', stop);
        stop();
      };
    },

    reset() {
      emulator.reset();
      emulator.switches.cheapSignatures = true;
    },

    newUsers: (count) =>
      Array.from({ length: count }, () => {
        const user = emulator.addUser();
        return { user, text: emulator.accessToken({ user }) };
      }),

    async knownUsers(count) {
      const users = bench.newUsers(count);
      const server = await bench.startServer();
      for (let first = 0; first < count; first += 20) {
        await Promise.all(users.slice(first, first + 20).map(({ text }) => prepare(server, text)));
      }
      await server.stop();
      return users;
    },

    async close() {
      await Promise.all([...running].map((child) => child.stop()));
      await emulator.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  bench.reset();
  return bench;
}

/** The arguments that `npm start` passes to node, so that production options are measured too. */
async function productionArguments(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile(join(projectRoot(), 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const [node, ...args] = scripts.start.split(' ');
  const script = args.pop();
  if (node !== 'node' || script === undefined) throw new Error('npm start does not run node');
  return [...args, join(projectRoot(), script)];
}

/** A getToken that must succeed. */
export async function getToken(
  server: MeasuredProcess,
  token: string,
  headers: Record<string, string> = {},
): Promise<{ milliseconds: number; body: string }> {
  const { status, milliseconds, body } = await call(server.url, { path: '/getToken', token, headers });
  if (status !== 200) throw new Error(`getToken returned ${status}: ${body}`);
  return { milliseconds, body };
}

const maxAttempts = 3;

/** A getToken that is not measured. It is retried, because on a busy machine a timeout must not end the whole run. */
export async function prepare(server: MeasuredProcess, token: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { status, body } = await call(server.url, { path: '/getToken', token });
    if (status === 200) return;
    if (status < 500 || attempt === maxAttempts) throw new Error(`getToken returned ${status}: ${body}`);
    process.stderr.write(`retrying getToken after ${status}: ${body}\n`);
  }
}
