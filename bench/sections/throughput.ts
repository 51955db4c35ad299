import { join } from 'node:path';
import type { MeasuredProcess } from '../childProcess';
import { type Load, type LoadResult, run, warmUp } from '../load';
import type { Sizes } from '../options';
import { tokensWithBadSignature, tokensWithUnknownKey } from '../rejectedTokens';
import { fetchSigningKey } from '../signingKey';
import { median } from '../statistics';
import { digits, type Row, type Section } from '../table';
import { getToken, uncachedSettings, type Workbench } from '../workbench';

const connections = 32;
const warmUsers = 320;
/** So many that no user has two requests in flight. */
const coldUsers = 640;
const clientsWithExpiredTokens = 96;

interface Case {
  readonly name: string;
  readonly load: Load;
  readonly against: string;
}

/**
 * Requests per second and CPU time per request, compared with the floor. All cases run in each of several rounds, so that
 * changes in the machine's speed affect them equally; ratios are computed within a round.
 */
export async function measureThroughput(
  bench: Workbench,
  { rounds, secondsPerLoad }: Sizes,
): Promise<Section> {
  bench.reset();
  const cold = (await bench.knownUsers(coldUsers)).map(({ text }) => text);
  const warm = cold.slice(0, warmUsers);
  const server = await bench.startServer();
  const withoutCaches = await bench.startServer(uncachedSettings);
  let body = '';
  for (const token of warm) body = (await getToken(server, token)).body;
  const floor = await bench.startNode('floor', [join(__dirname, '..', 'floor.js')], {
    FLOOR_KEY: JSON.stringify(await fetchSigningKey(bench)),
    FLOOR_BODY: body,
  });

  const cases = casesOf(bench, { floor, server, withoutCaches }, warm, cold);
  const requests: number[] = [];
  for (const { load } of cases) requests.push(await warmUp(load, secondsPerLoad));
  const results = cases.map((): LoadResult[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { load }] of cases.entries()) {
      results[index]?.push(await run(load, requests[index] ?? connections));
    }
  }
  await Promise.all([server, withoutCaches, floor].map((one) => one.stop()));
  const floorResults = results[0] ?? [];
  return {
    title: `Throughput on one core, ${connections} connections, median of ${rounds} rounds`,
    result: 'requests/s · CPU ms per request · core busy · relative to the floor: by requests/s, by CPU',
    against: 'the floor in the same round',
    rows: cases.map((one, index) => rowOf(one, results[index] ?? [], floorResults)),
  };
}

function casesOf(
  bench: Workbench,
  servers: Record<'floor' | 'server' | 'withoutCaches', MeasuredProcess>,
  warm: readonly string[],
  cold: readonly string[],
): Case[] {
  const { floor, server, withoutCaches } = servers;
  const expired = Array.from({ length: clientsWithExpiredTokens }, () =>
    bench.emulator.accessToken({ defect: 'expired' }),
  );
  const good = { connections, status: 200 };
  const bad = { connections, status: 401, server };
  const target = 'at least 0.5';
  return [
    { name: 'the floor', load: { ...good, server: floor, tokens: () => warm }, against: '1' },
    { name: 'getToken, warm', load: { ...good, server, tokens: () => warm }, against: 'at least 0.4' },
    {
      name: 'getToken, known user, cold',
      load: { ...good, server: withoutCaches, tokens: () => cold },
      against: 'three upstream calls',
    },
    {
      name: 'rejected: expired, sent repeatedly',
      load: { ...bad, tokens: () => expired },
      against: target,
    },
    {
      name: 'rejected: bad signature, all distinct',
      load: { ...bad, tokens: (count) => tokensWithBadSignature(bench, count) },
      against: target,
    },
    {
      name: 'rejected: unknown key, all distinct',
      load: { ...bad, tokens: (count) => tokensWithUnknownKey(bench, count) },
      against: target,
    },
  ];
}

function rowOf(
  { name, against }: Case,
  results: readonly LoadResult[],
  floorResults: readonly LoadResult[],
): Row {
  const medianOf = (value: (result: LoadResult) => number) => digits(median(results.map(value)));
  const medianRatio = (value: (result: LoadResult, base: LoadResult) => number) =>
    digits(median(results.map((result, round) => value(result, floorResults[round] ?? result))));
  const byThroughput = medianRatio((result, base) => result.requestsPerSecond / base.requestsPerSecond);
  const byCpu = medianRatio((result, base) => base.cpuPerRequestInMs / result.cpuPerRequestInMs);
  return {
    name,
    result: [
      medianOf(({ requestsPerSecond }) => requestsPerSecond),
      medianOf(({ cpuPerRequestInMs }) => cpuPerRequestInMs),
      medianOf(({ busy }) => busy),
      `${byThroughput}, ${byCpu}`,
    ].join(' · '),
    against,
  };
}
