import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { projectRoot } from '../../emulator/projectRoot';

export interface ServerProcess {
  readonly url: string;
  readonly pid: number | undefined;
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

export interface ServerOptions {
  /** `dist/server.js` of this project by default. */
  file?: string;
  /** A limit of the operating system: sockets count, too. */
  maxOpenFiles?: number;
}

/** Starts the built server as a separate process, with only this environment. */
export function spawnServer(
  environment: Record<string, string>,
  { file = join(projectRoot(), 'dist/server.js'), maxOpenFiles }: ServerOptions = {},
): Omit<ServerProcess, 'url'> {
  const server = [process.execPath, file];
  const [command = '', ...args] =
    maxOpenFiles === undefined
      ? server
      : ['sh', '-c', `ulimit -n ${maxOpenFiles} && exec "$@"`, 'sh', ...server];
  const child: ChildProcess = spawn(command, args, {
    // Not in the project's folder, so that a developer's .env is not read.
    cwd: join(projectRoot(), 'dist'),
    env: {
      NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS,
      // On a busy machine the server would be right to reject requests.
      OVERLOAD_WAIT_MS: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const killOnExit = () => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const exited = once(child, 'close').then(([code]) => {
    process.off('exit', killOnExit);
    return code as number | null;
  });
  return {
    pid: child.pid,
    output: () => output.join(''),
    errors: () => errors.join(''),
    exited,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

/** The same, and waits until it is ready. */
export async function startServerProcess(
  environment: Record<string, string>,
  options?: ServerOptions,
): Promise<ServerProcess> {
  for (;;) {
    const port = await freePort();
    const server = spawnServer({ PORT: String(port), ...environment }, options);
    const url = `http://127.0.0.1:${port}`;
    if (await isReady(url, server.exited)) return { ...server, url };
    const reason = `${server.errors()}${server.output()}`;
    // Another process, or a connection of one, has taken the port since it was found free.
    if (!reason.includes(`Port ${port} is in use`)) throw new Error(`the server did not start: ${reason}`);
  }
}

/** Polls until it is; false if the process has ended before. */
async function isReady(url: string, exited: Promise<unknown>): Promise<boolean> {
  const ended = exited.then(() => 'ended' as const);
  for (;;) {
    const ready = await Promise.race([ended, fetch(`${url}/health/ready`).catch(() => undefined)]);
    if (ready === 'ended') return false;
    if (ready?.status === 200) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Below the ports that operating systems give to connections and to servers without a port of their own: they would take it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
