import { type FaultyProxy, startFaultyProxy } from '../../test/stores/faultyProxy';
import { connectionString, settingsOf } from '../../test/stores/storeSettings';
import { type Azurite, newTableName, startAzurite } from '../../test/support/azurite';
import type { MeasuredProcess } from '../childProcess';
import { type LoadResult, run, warmUp } from '../load';
import type { Sizes } from '../options';
import { median } from '../statistics';
import { digits, type Row, type Section } from '../table';
import { type AccessToken, getToken, prepare, uncachedSettings, type Workbench } from '../workbench';

const stores = ['graph', 'table', 'acs'] as const;
type Store = (typeof stores)[number];

const delays = { entra: 80, graph: 60, acs: 40 };
const tableDelayInMs = 20;
const connections = 16;
const knownUsers = 320;
const usersForCalls = 20;

/** What was measured of one store. */
interface Measured {
  readonly store: Store;
  /** Calls to Entra, Graph, ACS and the table. */
  readonly newUserCalls: readonly number[];
  readonly knownUserCalls: readonly number[];
  readonly delayedInMs: number;
  readonly undelayedInMs: number;
  readonly loads: LoadResult[];
}

/** Compares the stores for known users of whom the server has nothing in memory. */
export async function measureStores(
  bench: Workbench,
  { rounds, secondsPerLoad, latencySamples }: Sizes,
  report: (progress: string) => void,
): Promise<Section> {
  const azurite = await startAzurite();
  const proxy = await startFaultyProxy(azurite.endpoint);
  try {
    const measured: (Measured & { requestsOfARound: () => Promise<LoadResult> })[] = [];
    bench.reset();
    for (const store of stores) {
      report(store);
      const setUp = await setUpStore(bench, store, { azurite, proxy });
      const calls = await countCalls(bench, setUp, proxy);
      const latency = await measureLatencies(bench, setUp, proxy, latencySamples);
      const load = { server: setUp.direct, tokens: () => setUp.known, connections, status: 200 };
      const requests = await warmUp(load, secondsPerLoad);
      measured.push({ store, ...calls, ...latency, loads: [], requestsOfARound: () => run(load, requests) });
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const { loads, requestsOfARound } of measured) loads.push(await requestsOfARound());
    }
    const [graph] = measured;
    return {
      title: `Identity stores, known user, cold; ${connections} connections, median of ${rounds} rounds`,
      result:
        'calls to Entra/Graph/ACS/table: new user, known user · p50 ms with delays of 80/60/40/20, without · requests/s · CPU ms per request',
      against: 'graph in the same run, times: latency with delays · requests/s · requests by CPU',
      rows: graph ? measured.map((one) => rowOf(one, graph)) : [],
    };
  } finally {
    await proxy.stop();
    await azurite.stop();
  }
}

interface SetUp {
  /** Reaches the table through the proxy, which counts and delays. */
  readonly counted: MeasuredProcess;
  readonly direct: MeasuredProcess;
  readonly known: readonly string[];
  readonly fresh: readonly AccessToken[];
}

async function setUpStore(
  bench: Workbench,
  store: Store,
  { azurite, proxy }: { azurite: Azurite; proxy: FaultyProxy },
): Promise<SetUp> {
  const tableName = newTableName();
  const start = (endpoint: string) =>
    bench.startServer({
      ...uncachedSettings,
      ...settingsOf(store, connectionString(azurite, endpoint), tableName),
    });
  const counted = await start(`${proxy.origin}/${azurite.accountName}`);
  const direct = store === 'table' ? await start(azurite.endpoint) : counted;
  const known = bench.newUsers(knownUsers).map(({ text }) => text);
  for (const token of known) await prepare(counted, token);
  return { counted, direct, known, fresh: bench.newUsers(usersForCalls) };
}

async function countCalls(
  { emulator }: Workbench,
  { counted, known, fresh }: SetUp,
  proxy: FaultyProxy,
): Promise<Pick<Measured, 'newUserCalls' | 'knownUserCalls'>> {
  const counts = () => [
    ...['entra.token', 'graph', 'acs'].map((service) => emulator.callsTo(service)),
    Object.values(proxy.calls()).reduce((sum, count) => sum + count, 0),
  ];
  const perRequest = async (tokens: readonly string[]) => {
    const before = counts();
    for (const token of tokens) await getToken(counted, token);
    return counts().map((count, index) => (count - (before[index] ?? 0)) / tokens.length);
  };
  return {
    newUserCalls: await perRequest(fresh.map(({ text }) => text)),
    knownUserCalls: await perRequest(known.slice(0, usersForCalls)),
  };
}

async function measureLatencies(
  { emulator }: Workbench,
  { counted, known }: SetUp,
  proxy: FaultyProxy,
  samples: number,
): Promise<Pick<Measured, 'delayedInMs' | 'undelayedInMs'>> {
  const medianOf = async () => {
    const durations: number[] = [];
    for (let index = 0; index < samples; index += 1) {
      durations.push((await getToken(counted, known[index % known.length] ?? '')).milliseconds);
    }
    return median(durations);
  };
  const undelayedInMs = await medianOf();
  for (const [service, milliseconds] of Object.entries(delays)) emulator.delay(service, milliseconds);
  proxy.delay(tableDelayInMs);
  const delayedInMs = await medianOf();
  for (const service of Object.keys(delays)) emulator.delay(service, 0);
  proxy.clear();
  return { delayedInMs, undelayedInMs };
}

function rowOf(one: Measured, graph: Measured): Row {
  const medianOf = (value: (result: LoadResult) => number) => digits(median(one.loads.map(value)));
  const ratio = (value: (result: LoadResult, base: LoadResult) => number) =>
    digits(median(one.loads.map((result, round) => value(result, graph.loads[round] ?? result))));
  return {
    name: one.store,
    result: [
      `${one.newUserCalls.join('/')}, ${one.knownUserCalls.join('/')}`,
      `${digits(one.delayedInMs)}, ${digits(one.undelayedInMs)}`,
      medianOf(({ requestsPerSecond }) => requestsPerSecond),
      medianOf(({ cpuPerRequestInMs }) => cpuPerRequestInMs),
    ].join(' · '),
    against: [
      digits(one.delayedInMs / graph.delayedInMs),
      ratio((result, base) => result.requestsPerSecond / base.requestsPerSecond),
      ratio((result, base) => base.cpuPerRequestInMs / result.cpuPerRequestInMs),
    ].join(' · '),
  };
}
