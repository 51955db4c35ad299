import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import { type Load, run, warmUp } from '../load';
import type { Sizes } from '../options';
import { digits, type Row, type Section } from '../table';
import { prepare, type Workbench } from '../workbench';

const concurrency = 32;
const warmUsers = 96;
const newUsersPerSample = 400;

interface State {
  readonly users: number;
  readonly rssInMb: number;
  readonly warmInMs: number;
  readonly newUserInMs: number;
}

/** Memory and CPU time per request after more and more distinct users, in one process with default limits. */
export async function measureGrowth(
  bench: Workbench,
  { growthSteps, secondsPerLoad }: Sizes,
  report: (progress: string) => void,
): Promise<Section> {
  bench.reset();
  const server = await bench.startServer();
  let latest = await serve(bench, server, warmUsers);
  await reset(server, latest);
  const warmLoad: Load = {
    server,
    connections: concurrency,
    status: 200,
    tokens: () => latest.slice(-warmUsers),
  };
  const requests = await warmUp(warmLoad, secondsPerLoad * 2);

  let served = warmUsers;
  const states: State[] = [];
  for (const users of growthSteps) {
    while (served + newUsersPerSample <= users) {
      latest = await serve(bench, server, newUsersPerSample);
      served += newUsersPerSample;
      if (served % 10_000 < newUsersPerSample) report(`${served} users`);
    }
    // Garbage still counts until the next collection, which runs when the process is idle.
    await sleep(1_000);
    const rssInMb = server.rssInMb();
    const warm = await run(warmLoad, requests);
    const cpuBefore = server.cpuInMs();
    latest = await serve(bench, server, newUsersPerSample);
    const newUserInMs = (server.cpuInMs() - cpuBefore) / newUsersPerSample;
    served += newUsersPerSample;
    states.push({ users, rssInMb, warmInMs: warm.cpuPerRequestInMs, newUserInMs });
  }
  await server.stop();
  return {
    title: 'Growth with the number of distinct users',
    result: 'RSS MB · CPU ms per request: warm, new user',
    against: 'first row: RSS at most +150 MB, CPU at most × 1.3',
    rows: states.map((state) => rowOf(state, states[0] ?? state)),
  };
}

function rowOf(state: State, first: State): Row {
  const ratios = [state.warmInMs / first.warmInMs, state.newUserInMs / first.newUserInMs];
  return {
    name: state.users.toLocaleString('en'),
    result: `${digits(state.rssInMb)} · ${digits(state.warmInMs)}, ${digits(state.newUserInMs)}`,
    against: `RSS +${digits(state.rssInMb - first.rssInMb)} MB · CPU × ${ratios.map(digits).join(', ')}`,
  };
}

/** Gets tokens for this number of new users. Their access tokens are signed on the other core at the same time. */
async function serve(bench: Workbench, server: MeasuredProcess, count: number): Promise<string[]> {
  const tokens: string[] = [];
  const worker = async () => {
    while (tokens.length < count) {
      const [user] = bench.newUsers(1);
      if (!user) throw new Error('no new user');
      tokens.push(user.text);
      await prepare(server, user.text);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return tokens;
}

/** Deletes and recreates a few users repeatedly, so that the first step does not include JIT compilation. */
async function reset(server: MeasuredProcess, tokens: readonly string[]): Promise<void> {
  const cycle = async (token: string) => {
    for (let round = 0; round < 10; round += 1) {
      await call(server.url, { path: '/deleteUser', method: 'DELETE', token });
      await prepare(server, token);
    }
  };
  await Promise.all(tokens.slice(0, concurrency).map(cycle));
}
