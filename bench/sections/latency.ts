import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import type { Sizes } from '../options';
import { median, percentile } from '../statistics';
import { digits, type Row, type Section } from '../table';
import { getToken, uncachedSettings, type Workbench } from '../workbench';

const hops = { entra: 80, graph: 60, acs: 40 };
/** Requests per case before the measurement, without delays, so that the JIT compiler is done. */
const warmUps = 300;

type Hop = keyof typeof hops;

interface Case {
  readonly name: string;
  readonly hops: readonly Hop[];
  readonly request: (index: number) => Promise<{ milliseconds: number }>;
}

/** The latency that the server adds to the upstream calls that a request needs, with one request at a time. */
export async function measureLatency(bench: Workbench, { latencySamples }: Sizes): Promise<Section> {
  bench.reset();
  const { emulator } = bench;
  const known = await bench.knownUsers(warmUps);
  const fresh = bench.newUsers(warmUps + latencySamples);
  const carol = emulator.accessToken({ user: 'carol' });
  const headers = { 'teams-user-aad-token': emulator.teamsToken({ user: 'carol' }) };
  const [server, withoutCaches, noReuse] = [
    await bench.startServer(),
    await bench.startServer(uncachedSettings),
    await bench.startServer({ TOKEN_REUSE_MINUTES: '0' }),
  ];
  const as = (server: MeasuredProcess, tokens: { text: string }[]) => (index: number) =>
    getToken(server, tokens[index % tokens.length]?.text ?? '');

  const cases: Case[] = [
    { name: 'new user', hops: ['entra', 'graph', 'acs', 'graph'], request: as(server, fresh) },
    { name: 'known user, cold', hops: ['entra', 'graph', 'acs'], request: as(withoutCaches, known) },
    { name: 'warm, within the reuse window', hops: [], request: as(server, fresh.slice(0, 100)) },
    { name: 'warm, outside the reuse window', hops: ['acs'], request: as(noReuse, known.slice(0, 100)) },
    {
      name: 'exchangeToken',
      hops: ['acs'],
      request: () => call(server.url, { path: '/exchangeToken', token: carol, headers }),
    },
  ];
  for (const { request } of cases) {
    for (let index = 0; index < warmUps; index += 1) await request(index);
  }
  for (const [service, milliseconds] of Object.entries(hops)) emulator.delay(service, milliseconds);

  const bare = await measureBareHops(bench, Math.ceil(latencySamples / 4));
  const rows: Row[] = [];
  for (const { name, hops: needed, request } of cases) {
    const sum = (of: Record<Hop, number>) => needed.reduce((total, hop) => total + of[hop], 0);
    const durations: number[] = [];
    for (let index = 0; index < latencySamples; index += 1) {
      durations.push((await request(warmUps + index)).milliseconds);
    }
    const added = (hopsInMs: number) =>
      `${digits(median(durations) - hopsInMs)} / ${digits(percentile(durations, 0.99) - hopsInMs)}`;
    rows.push({
      name,
      result: `${added(sum(hops))} · ${added(sum(bare))}`,
      against: `hops ${sum(hops)} ms, ${digits(sum(bare))} ms for a bare client; added p50 at most 10`,
    });
  }
  await Promise.all([server, withoutCaches, noReuse].map((one) => one.stop()));
  return {
    title: `Added latency, hops of ${Object.values(hops).join('/')} ms (Entra/Graph/ACS)`,
    result: 'p50 / p99, ms: above the delays · above the hops as measured by a bare client',
    against: 'the necessary hops',
    rows,
  };
}

/** The cheapest request to each service: a static document, and two that are rejected without a credential. */
const cheapest: Record<Hop, string> = {
  entra: '/common/v2.0/.well-known/openid-configuration',
  graph: '/v1.0/me',
  acs: '/identities?api-version=2023-10-01',
};

/** The time of each hop for a client that does nothing else: delay, timer inaccuracy, TLS and loopback. */
async function measureBareHops({ emulator }: Workbench, samples: number): Promise<Record<Hop, number>> {
  const measured = { ...hops };
  for (const hop of Object.keys(hops) as Hop[]) {
    const durations: number[] = [];
    const method = hop === 'acs' ? 'POST' : 'GET';
    for (let index = 0; index < samples; index += 1) {
      durations.push((await call(emulator.url, { path: cheapest[hop], method })).milliseconds);
    }
    measured[hop] = median(durations);
  }
  return measured;
}
