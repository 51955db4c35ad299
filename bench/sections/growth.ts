import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import { type Load, run, warmUp } from '../load';
import type { Sizes } from '../options';
import { digits, type Row, type Section } from '../table';
import { prepare, type Workbench } from '../workbench';

const atOnce = 32;
const warmUsers = 96;
const newUsersPerSample = 400;

interface State {
  readonly users: number;
  readonly rssInMb: number;
  readonly warmInMs: number;
  readonly newUserInMs: number;
}

/** What memory and a request cost after ever more distinct users, each seen with default limits by the same process. */
export async function measureGrowth(
  bench: Workbench,
  { growthSteps, secondsPerLoad }: Sizes,
  report: (progress: string) => void,
): Promise<Section> {
  bench.reset();
  const server = await bench.startServer();
  let latest = await serve(bench, server, warmUsers);
  await beginAnew(server, latest);
  const warmLoad: Load = {
    server,
    connections: atOnce,
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
    // What was just thrown away is still counted until the next collection, which idleness brings.
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
    title: 'After so many distinct users',
    result: 'RSS MB · CPU ms per request: warm, new user',
    against: 'the first line: RSS +150 MB, CPU times 1.3 at most',
    rows: states.map((state) => rowOf(state, states[0] ?? state)),
  };
}

function rowOf(state: State, first: State): Row {
  const times = [state.warmInMs / first.warmInMs, state.newUserInMs / first.newUserInMs];
  return {
    name: state.users.toLocaleString('en'),
    result: `${digits(state.rssInMb)} · ${digits(state.warmInMs)}, ${digits(state.newUserInMs)}`,
    against: `RSS +${digits(state.rssInMb - first.rssInMb)} MB · CPU times ${times.map(digits).join(', ')}`,
  };
}

/** Lets so many new users sign in; their access tokens are signed meanwhile, on the other core. */
async function serve(bench: Workbench, server: MeasuredProcess, count: number): Promise<string[]> {
  const tokens: string[] = [];
  const lane = async () => {
    while (tokens.length < count) {
      const [newcomer] = bench.newUsers(1);
      if (!newcomer) throw new Error('no new user');
      tokens.push(newcomer.text);
      await prepare(server, newcomer.text);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return tokens;
}

/** The same few users over and over, so that the first step does not pay for the just-in-time compiler. */
async function beginAnew(server: MeasuredProcess, tokens: readonly string[]): Promise<void> {
  const cycle = async (token: string) => {
    for (let round = 0; round < 10; round += 1) {
      await call(server.url, { path: '/deleteUser', method: 'DELETE', token });
      await prepare(server, token);
    }
  };
  await Promise.all(tokens.slice(0, atOnce).map(cycle));
}
