import { join } from 'node:path';
import type { MeasuredProcess } from '../childProcess';
import { type Load, type LoadResult, run, warmUp } from '../load';
import type { Sizes } from '../options';
import { ofInventedKeys, wronglySigned } from '../rejectedTokens';
import { publishedKey } from '../signingKey';
import { median } from '../statistics';
import { digits, type Row, type Section } from '../table';
import { getToken, withoutMemory, type Workbench } from '../workbench';

const connections = 32;
const warmUsers = 320;
/** So many that none comes round again while a request of the same user is under way. */
const coldUsers = 640;
const clientsWithOldTokens = 96;

interface Case {
  readonly name: string;
  readonly load: Load;
  readonly against: string;
}

/**
 * Requests per second and processor time per request, beside those of the floor. All cases take turns, several times over, so that
 * a change of the machine's mood meets them alike; ratios are taken within a round.
 */
export async function measureThroughput(
  bench: Workbench,
  { rounds, secondsPerLoad }: Sizes,
): Promise<Section> {
  bench.reset();
  const cold = (await bench.knownUsers(coldUsers)).map(({ text }) => text);
  const warm = cold.slice(0, warmUsers);
  const server = await bench.startServer();
  const forgetful = await bench.startServer(withoutMemory);
  let body = '';
  for (const token of warm) body = (await getToken(server, token)).body;
  const floor = await bench.startNode('floor', [join(__dirname, '..', 'floor.js')], {
    FLOOR_KEY: JSON.stringify(await publishedKey(bench)),
    FLOOR_BODY: body,
  });

  const cases = casesOf(bench, { floor, server, forgetful }, warm, cold);
  const requests: number[] = [];
  for (const { load } of cases) requests.push(await warmUp(load, secondsPerLoad));
  const results = cases.map((): LoadResult[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { load }] of cases.entries()) {
      results[index]?.push(await run(load, requests[index] ?? connections));
    }
  }
  await Promise.all([server, forgetful, floor].map((one) => one.stop()));
  const ofFloor = results[0] ?? [];
  return {
    title: `Throughput on one core, ${connections} connections, median of ${rounds} rounds`,
    result: 'requests/s · CPU ms per request · core busy · of the floor: by requests/s, by CPU',
    against: 'the floor in the same round',
    rows: cases.map((one, index) => rowOf(one, results[index] ?? [], ofFloor)),
  };
}

function casesOf(
  bench: Workbench,
  servers: Record<'floor' | 'server' | 'forgetful', MeasuredProcess>,
  warm: readonly string[],
  cold: readonly string[],
): Case[] {
  const { floor, server, forgetful } = servers;
  const expired = Array.from({ length: clientsWithOldTokens }, () =>
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
      load: { ...good, server: forgetful, tokens: () => cold },
      against: 'three calls upstream',
    },
    {
      name: 'rejected: expired, sent again and again',
      load: { ...bad, tokens: () => expired },
      against: target,
    },
    {
      name: 'rejected: bad signature, never the same',
      load: { ...bad, tokens: (count) => wronglySigned(bench, count) },
      against: target,
    },
    {
      name: 'rejected: invented key, never the same',
      load: { ...bad, tokens: (count) => ofInventedKeys(bench, count) },
      against: target,
    },
  ];
}

function rowOf({ name, against }: Case, results: readonly LoadResult[], ofFloor: readonly LoadResult[]): Row {
  const middle = (value: (result: LoadResult) => number) => digits(median(results.map(value)));
  const middleRatio = (value: (result: LoadResult, floor: LoadResult) => number) =>
    digits(median(results.map((result, round) => value(result, ofFloor[round] ?? result))));
  const byThroughput = middleRatio((result, floor) => result.requestsPerSecond / floor.requestsPerSecond);
  const byCpu = middleRatio((result, floor) => floor.cpuPerRequestInMs / result.cpuPerRequestInMs);
  return {
    name,
    result: [
      middle(({ requestsPerSecond }) => requestsPerSecond),
      middle(({ cpuPerRequestInMs }) => cpuPerRequestInMs),
      middle(({ busy }) => busy),
      `${byThroughput}, ${byCpu}`,
    ].join(' · '),
    against,
  };
}
