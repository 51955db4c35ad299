import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface ServerProcess {
  readonly url: string;
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

/** Starts the built server as a separate process, with only this environment. */
export function spawnServer(environment: Record<string, string>): Omit<ServerProcess, 'url'> {
  const child: ChildProcess = spawn(process.execPath, [join(__dirname, '../../dist/server.js')], {
    // Not in the project's folder, so that a developer's .env is not read.
    cwd: join(__dirname, '../../dist'),
    env: { NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
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
export async function startServerProcess(environment: Record<string, string>): Promise<ServerProcess> {
  const port = await freePort();
  const server = spawnServer({ PORT: String(port), ...environment });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const ready = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (ready?.status === 200) return { ...server, url };
    const dead = await Promise.race([
      server.exited,
      new Promise((resolve) => setTimeout(resolve, 50, 'alive')),
    ]);
    if (dead !== 'alive') throw new Error(`the server did not start: ${server.errors()}`);
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
