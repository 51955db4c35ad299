import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import type { Sizes } from '../options';
import { median, percentile } from '../statistics';
import { digits, type Row, type Section } from '../table';
import { getToken, withoutMemory, type Workbench } from '../workbench';

const hops = { entra: 80, graph: 60, acs: 40 };
/** Requests of each kind beforehand, without delays, so that the just-in-time compiler has done its work. */
const warmUps = 300;

type Hop = keyof typeof hops;

interface Case {
  readonly name: string;
  readonly hops: readonly Hop[];
  readonly request: (index: number) => Promise<{ milliseconds: number }>;
}

/** What the server adds to the sum of the hops that a request cannot do without, one request at a time. */
export async function measureLatency(bench: Workbench, { latencySamples }: Sizes): Promise<Section> {
  bench.reset();
  const { emulator } = bench;
  const known = await bench.knownUsers(warmUps);
  const fresh = bench.newUsers(warmUps + latencySamples);
  const carol = emulator.accessToken({ user: 'carol' });
  const headers = { 'teams-user-aad-token': emulator.teamsToken({ user: 'carol' }) };
  const [server, forgetful, noReuse] = [
    await bench.startServer(),
    await bench.startServer(withoutMemory),
    await bench.startServer({ TOKEN_REUSE_MINUTES: '0' }),
  ];
  const as = (server: MeasuredProcess, tokens: { text: string }[]) => (index: number) =>
    getToken(server, tokens[index % tokens.length]?.text ?? '');

  const cases: Case[] = [
    { name: 'new user', hops: ['entra', 'graph', 'acs', 'graph'], request: as(server, fresh) },
    { name: 'known user, cold', hops: ['entra', 'graph', 'acs'], request: as(forgetful, known) },
    { name: 'warm, within the reuse window', hops: [], request: as(server, fresh.slice(0, 100)) },
    { name: 'warm, outside the window', hops: ['acs'], request: as(noReuse, known.slice(0, 100)) },
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
    const took: number[] = [];
    for (let index = 0; index < latencySamples; index += 1) {
      took.push((await request(warmUps + index)).milliseconds);
    }
    const over = (hopsInMs: number) =>
      `${digits(median(took) - hopsInMs)} / ${digits(percentile(took, 0.99) - hopsInMs)}`;
    rows.push({
      name,
      result: `${over(sum(hops))} · ${over(sum(bare))}`,
      against: `hops ${sum(hops)} ms, ${digits(sum(bare))} ms to a bare client; added p50 at most 10`,
    });
  }
  await Promise.all([server, forgetful, noReuse].map((one) => one.stop()));
  return {
    title: `Added latency, hops of ${Object.values(hops).join('/')} ms (Entra/Graph/ACS)`,
    result: 'p50 / p99, ms: over the delays · over what a bare client sees of the hops',
    against: 'the necessary hops',
    rows,
  };
}

/** Something of each service that costs it next to nothing beside the delay: a document, and two refusals for want of a credential. */
const cheapest: Record<Hop, string> = {
  entra: '/common/v2.0/.well-known/openid-configuration',
  graph: '/v1.0/me',
  acs: '/identities?api-version=2023-10-01',
};

/** What a hop takes a client that does nothing else: the delay, the lateness of the timer behind it, TLS and the loopback. */
async function measureBareHops({ emulator }: Workbench, samples: number): Promise<Record<Hop, number>> {
  const measured = { ...hops };
  for (const hop of Object.keys(hops) as Hop[]) {
    const took: number[] = [];
    const method = hop === 'acs' ? 'POST' : 'GET';
    for (let index = 0; index < samples; index += 1) {
      took.push((await call(emulator.url, { path: cheapest[hop], method })).milliseconds);
    }
    measured[hop] = median(took);
  }
  return measured;
}
