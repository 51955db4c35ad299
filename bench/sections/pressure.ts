import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import { run, warmUp } from '../load';
import { type OpenLoadResult, sendOpenLoad } from '../openLoop';
import type { Sizes } from '../options';
import { digits, type Row, type Section } from '../table';
import { uncachedSettings, type Workbench } from '../workbench';

/** So many that a user rarely has two requests in flight, which would share their calls. */
const users = 6_000;
const connections = 32;
const factor = 5;
const secondsPerPressure = 10;
/** Programs that compete for the server's core, so that the load generator and the emulator can keep up on the other one. */
const competitors = 3;

/** The same load, with and without the rejection of requests. */
const variants = {
  'with load shedding': {},
  'without it': { OVERLOAD_WAIT_MS: '0', MAX_REQUESTS_IN_FLIGHT: '0' },
} as const;

/** Five times as many requests as the server can serve on a quarter of a core, from callers who do not slow down. */
export async function measurePressure(
  bench: Workbench,
  { secondsPerLoad }: Sizes,
  report: (progress: string) => void,
): Promise<Section> {
  bench.reset();
  report(`preparing ${users} users`);
  const tokens = (await bench.knownUsers(users)).map(({ text }) => text);
  const rows: Row[] = [];
  const busy = Array.from({ length: competitors }, () => bench.keepServerCoreBusy());
  for (const [name, settings] of Object.entries(variants)) {
    report(name);
    const server = await bench.startServer({ ...uncachedSettings, ...settings });
    const load = {
      server,
      tokens: (requests: number) => sliceOf(tokens, requests),
      connections,
      status: 200,
    };
    const requests = await warmUp(load, secondsPerLoad);
    const { requestsPerSecond: capacity } = await run(load, requests);
    const rssBeforeInMb = server.rssInMb();
    const pressure = { server, tokens, perSecond: factor * capacity, seconds: secondsPerPressure };
    const result = await sendOpenLoad(pressure);
    const recovery = await recoveryInMs(server, tokens[0] ?? '');
    rows.push(...rowsOf(name, { capacity, result, rssBeforeInMb, recovery }));
    await server.stop();
  }
  for (const stop of busy) stop();
  return {
    title: `Pressure: known users, cold, a quarter of a core, at ${factor} times the capacity for ${secondsPerPressure} s`,
    result: 'as named',
    against: 'the capacity in the same run',
    rows,
  };
}

function sliceOf(tokens: readonly string[], requests: number): string[] {
  return Array.from({ length: requests }, (_, index) => tokens[index % tokens.length] ?? '');
}

interface Measured {
  readonly capacity: number;
  readonly result: OpenLoadResult;
  readonly rssBeforeInMb: number;
  readonly recovery: number;
}

function rowsOf(
  name: string,
  { capacity, result: { sent, statuses, latencies, peakRssInMb }, rssBeforeInMb, recovery }: Measured,
): Row[] {
  const goodput = latencies.length / secondsPerPressure;
  const shown = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  const percentile = (share: number) => digits(latencies[Math.floor(latencies.length * share)] ?? 0);
  return [
    {
      name: `${name}: served per second, of the capacity`,
      result: `${digits(goodput)} · ${digits(goodput / capacity)}`,
      against: `${digits(capacity)} · at least 0.8`,
    },
    { name: `${name}: responses of ${sent}`, result: shown.join(', '), against: '' },
    {
      name: `${name}: ms until served, p50 / p99`,
      result: `${percentile(0.5)} / ${percentile(0.99)}`,
      against: 'below 10,000',
    },
    {
      name: `${name}: RSS MB before / peak`,
      result: `${digits(rssBeforeInMb)} / ${digits(peakRssInMb)}`,
      against: 'bounded',
    },
    { name: `${name}: ms until served again`, result: digits(recovery), against: '' },
  ];
}

async function recoveryInMs(server: MeasuredProcess, token: string): Promise<number> {
  const startedAt = performance.now();
  while ((await call(server.url, { path: '/getToken', token })).status !== 200) await sleep(50);
  return performance.now() - startedAt;
}
