import { type FaultyProxy, startFaultyProxy } from '../../test/stores/faultyProxy';
import { connectionString, settingsOf } from '../../test/stores/storeSettings';
import { newTableName, startAzurite } from '../../test/support/azurite';
import { type Load, type LoadResult, run, warmUp } from '../load';
import type { Sizes } from '../options';
import { median } from '../statistics';
import { digits, type Row, type Section } from '../table';
import { prepare, type Workbench } from '../workbench';

const stores = ['table', 'acs'] as const;
/** Without checks, with the default, and with the smallest bound. */
const bounds = ['0', '60', '1'] as const;
const connections = 32;
const users = 320;

interface Case {
  readonly store: (typeof stores)[number];
  readonly bound: (typeof bounds)[number];
  readonly load: Load;
  requests: number;
  calls: number;
  readonly results: LoadResult[];
}

/** The cost of checking reused tokens, with warm users who each call more than ten times a second. */
export async function measureReuse(
  bench: Workbench,
  { rounds, secondsPerLoad }: Sizes,
  report: (progress: string) => void,
): Promise<Section> {
  const azurite = await startAzurite();
  const proxy = await startFaultyProxy(azurite.endpoint);
  const connection = connectionString(azurite, `${proxy.origin}/${azurite.accountName}`);
  try {
    bench.reset();
    const cases: Case[] = [];
    for (const store of stores) {
      report(store);
      const tokens = bench.newUsers(users).map(({ text }) => text);
      const settings = settingsOf(store, connection, newTableName());
      for (const bound of bounds) {
        const server = await bench.startServer({ ...settings, TOKEN_REUSE_CHECK_SECONDS: bound });
        for (const token of tokens) await prepare(server, token);
        const load: Load = { server, tokens: (count) => repeated(tokens, count), connections, status: 200 };
        cases.push({
          store,
          bound,
          load,
          requests: await warmUp(load, secondsPerLoad),
          calls: 0,
          results: [],
        });
      }
    }
    for (let round = 0; round < rounds; round += 1) for (const one of cases) await measure(one, bench, proxy);
    await Promise.all(cases.map(({ load }) => load.server.stop()));
    return {
      title: `Checks of reused tokens: ${users} warm users, ${connections} connections, median of ${rounds} rounds`,
      result:
        'requests/s · calls to the store per 1,000 requests · relative to no check: by requests/s, by CPU',
      against: '1 with the default',
      rows: cases.map((one) => rowOf(one, cases)),
    };
  } finally {
    await proxy.stop();
    await azurite.stop();
  }
}

async function measure(one: Case, { emulator }: Workbench, proxy: FaultyProxy): Promise<void> {
  const count = () =>
    emulator.callsTo('acs') + Object.values(proxy.calls()).reduce((sum, calls) => sum + calls, 0);
  const before = count();
  one.results.push(await run(one.load, one.requests));
  one.calls += count() - before;
}

function repeated(tokens: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, index) => tokens[index % tokens.length] ?? '');
}

function rowOf({ store, bound, results, requests, calls }: Case, cases: readonly Case[]): Row {
  const base = cases.find((other) => other.store === store && other.bound === '0')?.results ?? [];
  const ratio = (value: (result: LoadResult, base: LoadResult) => number) =>
    digits(median(results.map((result, round) => value(result, base[round] ?? result))));
  return {
    name: `${store}, ${bound === '0' ? 'no check' : `a check after ${bound} s`}`,
    result: [
      digits(median(results.map(({ requestsPerSecond }) => requestsPerSecond))),
      digits((calls / (requests * results.length)) * 1_000),
      `${ratio((result, other) => result.requestsPerSecond / other.requestsPerSecond)}, ${ratio(
        (result, other) => other.cpuPerRequestInMs / result.cpuPerRequestInMs,
      )}`,
    ].join(' · '),
    against: '',
  };
}
