import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server in a process of its own, and what that process has used so far. */
export interface MeasuredProcess {
  readonly url: string;
  /** Processor time of all its threads. */
  cpuInMs(): number;
  /** Memory that it holds (its resident set). */
  rssInMb(): number;
  stop(): Promise<void>;
}

export interface ProcessOptions {
  name: string;
  /** What node is called with: options and the script. */
  nodeArguments: readonly string[];
  environment: Record<string, string>;
  /** Where it runs, and its log goes: a folder without a .env file. */
  folder: string;
  core: string | undefined;
}

const startsWithinInMs = 20_000;
const stopsWithinInMs = 20_000;

/** Starts it, its standard output in a file, and waits until its log says on which port it listens. */
export async function startProcess(options: ProcessOptions): Promise<MeasuredProcess> {
  const { name, nodeArguments, environment, folder, core } = options;
  const logFile = join(folder, `${name}.log`);
  const log = openSync(logFile, 'w');
  const command = [
    ...(core === undefined ? [] : ['taskset', '-c', core]),
    process.execPath,
    ...nodeArguments,
  ];
  const child = spawn(command[0] ?? process.execPath, command.slice(1), {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', log, 'inherit'],
  });
  closeSync(log);
  const killWithUs = () => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const port = await portIn(logFile, child);
  return {
    url: `http://127.0.0.1:${port}`,
    cpuInMs: () => cpuInMs(pidOf(child)),
    rssInMb: () => rssInMb(pidOf(child)),
    async stop() {
      process.removeListener('exit', killWithUs);
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended by itself`);
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      if (!(await Promise.race([exited, sleep(stopsWithinInMs, undefined, { ref: false })]))) {
        child.kill('SIGKILL');
        throw new Error(`${name} did not stop`);
      }
    },
  };
}

async function portIn(logFile: string, child: ChildProcess): Promise<number> {
  const deadline = Date.now() + startsWithinInMs;
  while (Date.now() < deadline && child.exitCode === null) {
    const [, port] = /"port":(\d+)/.exec(readFileSync(logFile, 'utf8')) ?? [];
    if (port !== undefined) return Number(port);
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(
    `${child.spawnargs.join(' ')} does not start:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`,
  );
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('a process was not started');
  return pid;
}

/** In which unit the kernel counts processor time. */
const tickInMs = 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** proc(5): utime and stime are fields 14 and 15, the second being a name in brackets that may hold anything. */
function cpuInMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickInMs;
}

function rssInMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
