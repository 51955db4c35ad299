import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server in its own process, with the resources that the process has used so far. */
export interface MeasuredProcess {
  readonly url: string;
  /** CPU time of all its threads. */
  cpuInMs(): number;
  /** Resident set size. */
  rssInMb(): number;
  stop(): Promise<void>;
}

export interface ProcessOptions {
  name: string;
  /** The command line after `node`: options and script. */
  nodeArguments: readonly string[];
  environment: Record<string, string>;
  /** The working directory, which also gets the log: a folder without a .env file. */
  folder: string;
  core: string | undefined;
}

const startTimeLimitInMs = 20_000;
const stopTimeLimitInMs = 20_000;

/** Starts the process with its standard output in a file, and waits until the log shows the port. */
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
  const killOnExit = () => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const port = await portIn(logFile, child);
  return {
    url: `http://127.0.0.1:${port}`,
    cpuInMs: () => cpuInMs(pidOf(child)),
    rssInMb: () => rssInMb(pidOf(child)),
    async stop() {
      process.removeListener('exit', killOnExit);
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${name} exited unexpectedly`);
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      if (!(await Promise.race([exited, sleep(stopTimeLimitInMs, undefined, { ref: false })]))) {
        child.kill('SIGKILL');
        throw new Error(`${name} did not stop`);
      }
    },
  };
}

async function portIn(logFile: string, child: ChildProcess): Promise<number> {
  const deadline = Date.now() + startTimeLimitInMs;
  while (Date.now() < deadline && child.exitCode === null) {
    const [, port] = /"port":(\d+)/.exec(readFileSync(logFile, 'utf8')) ?? [];
    if (port !== undefined) return Number(port);
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(
    `${child.spawnargs.join(' ')} did not start:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`,
  );
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the process was not started');
  return pid;
}

/** The kernel's unit of CPU time. */
const tickInMs = 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** proc(5): utime and stime are fields 14 and 15. Field 2 is a name in brackets that may contain spaces and brackets. */
function cpuInMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickInMs;
}

function rssInMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
