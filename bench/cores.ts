import { execFileSync } from 'node:child_process';

/** Which processor cores run what; undefined where the machine has one core or no taskset, and nothing is pinned. */
export interface Cores {
  /** The server under test, or the floor: one core. */
  readonly server: string;
  /** All the rest: load generator and emulator. */
  readonly rest: string;
}

/** Moves this process, with its threads, away from the core that the servers will have for themselves. */
export function reserveServerCore(): Cores | undefined {
  const [server, ...rest] = allowedCores();
  if (server === undefined || rest.length === 0) return undefined;
  const cores = { server: String(server), rest: rest.join(',') };
  execFileSync('taskset', ['-acp', cores.rest, String(process.pid)], { stdio: 'ignore' });
  return cores;
}

function allowedCores(): number[] {
  try {
    const answer = execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' });
    return expand(answer.slice(answer.lastIndexOf(':') + 1).trim());
  } catch {
    return [];
  }
}

/** `0-2,5` as 0, 1, 2, 5. */
function expand(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
