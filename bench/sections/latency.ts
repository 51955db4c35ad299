import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import type { Sizes } from '../options';
import { median, percentile } from '../statistics';
import { digits, type Row, type Section } from '../table';
import { getToken, withoutMemory, type Workbench } from '../workbench';

const hops = { entra: 80, graph: 60, acs: 40 };
/** Requests of each kind beforehand, without delays, so that the just-in-time compiler has done its work. */
const warmUps = 300;

interface Case {
  readonly name: string;
  readonly hopsInMs: number;
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

  const { entra, graph, acs } = hops;
  const cases: Case[] = [
    { name: 'new user', hopsInMs: entra + 2 * graph + acs, request: as(server, fresh) },
    { name: 'known user, cold', hopsInMs: entra + graph + acs, request: as(forgetful, known) },
    { name: 'warm, within the reuse window', hopsInMs: 0, request: as(server, fresh.slice(0, 100)) },
    { name: 'warm, outside the window', hopsInMs: acs, request: as(noReuse, known.slice(0, 100)) },
    {
      name: 'exchangeToken',
      hopsInMs: acs,
      request: () => call(server.url, { path: '/exchangeToken', token: carol, headers }),
    },
  ];
  for (const { request } of cases) {
    for (let index = 0; index < warmUps; index += 1) await request(index);
  }
  for (const [service, milliseconds] of Object.entries(hops)) emulator.delay(service, milliseconds);

  const rows: Row[] = [];
  for (const { name, hopsInMs, request } of cases) {
    const added: number[] = [];
    for (let index = 0; index < latencySamples; index += 1) {
      added.push((await request(warmUps + index)).milliseconds - hopsInMs);
    }
    rows.push({
      name,
      result: `${digits(median(added))} / ${digits(percentile(added, 0.99))}`,
      against: `hops ${hopsInMs} ms; added p50 at most 10`,
    });
  }
  await Promise.all([server, forgetful, noReuse].map((one) => one.stop()));
  return {
    title: `Added latency, hops of ${entra}/${graph}/${acs} ms (Entra/Graph/ACS)`,
    result: 'p50 / p99, ms',
    against: 'the necessary hops',
    rows,
  };
}
