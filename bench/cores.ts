import { execFileSync } from 'node:child_process';

/** The CPU cores that each part runs on. */
export interface Cores {
  /** One core, for the server under test or the floor. */
  readonly server: string;
  /** The other cores, for load generator and emulator. */
  readonly rest: string;
}

/** Moves this process with its threads off the core of the servers. Undefined with a single core or without taskset: nothing is pinned. */
export function reserveServerCore(): Cores | undefined {
  const [server, ...rest] = allowedCores();
  if (server === undefined || rest.length === 0) return undefined;
  const cores = { server: String(server), rest: rest.join(',') };
  execFileSync('taskset', ['-acp', cores.rest, String(process.pid)], { stdio: 'ignore' });
  return cores;
}

function allowedCores(): number[] {
  try {
    const output = execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' });
    return expand(output.slice(output.lastIndexOf(':') + 1).trim());
  } catch {
    return [];
  }
}

/** `0-2,5` becomes 0, 1, 2, 5. */
function expand(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
