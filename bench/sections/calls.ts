import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import type { Row, Section } from '../table';
import { getToken, uncachedSettings, type Workbench } from '../workbench';

const users = 20;

/** Upstream calls per request, counted by the emulator, for each row of the call budget. */
export async function measureCalls(bench: Workbench): Promise<Section> {
  bench.reset();
  const { emulator } = bench;
  const known = await bench.knownUsers(users);
  const [server, withoutCaches, noReuse] = [
    await bench.startServer(),
    await bench.startServer(uncachedSettings),
    await bench.startServer({ TOKEN_REUSE_MINUTES: '0' }),
  ];
  const fresh = bench.newUsers(users);
  const carol = emulator.accessToken({ user: 'carol' });
  const teamsToken = emulator.teamsToken({ user: 'carol' });
  const invalid = emulator.accessToken({ defect: 'bad_signature' });
  for (const { text } of known) await getToken(noReuse, text);

  const row = async (name: string, against: string, requests: (() => Promise<unknown>)[]): Promise<Row> => {
    const before = countsOf(bench);
    for (const request of requests) await request();
    const counts = countsOf(bench).map((count, index) => (count - (before[index] ?? 0)) / requests.length);
    return { name, result: counts.map(String).join(' / '), against };
  };
  const getTokenAsEach = (
    server: MeasuredProcess,
    tokens: { text: string }[],
    headers?: Record<string, string>,
  ) =>
    tokens.map(
      ({ text }) =>
        () =>
          getToken(server, text, headers),
    );

  const rows = [
    await row('getToken, new user', '1 / 2 / 1', getTokenAsEach(server, fresh)),
    await row('getToken, known user, cold', '1 / 1 / 1', getTokenAsEach(withoutCaches, known)),
    await row('getToken, warm, within the reuse window', '0 / 0 / 0', getTokenAsEach(server, fresh)),
    await row('getToken, warm, outside the reuse window', '0 / 0 / 1', getTokenAsEach(noReuse, known)),
    await row(
      'getToken, warm, no-cache',
      '0 / 0 / 1',
      getTokenAsEach(server, fresh, { 'cache-control': 'no-cache' }),
    ),
    await row(
      'exchangeToken',
      '0 / 0 / 1',
      fresh.map(() => async () => {
        const headers = { 'teams-user-aad-token': teamsToken };
        await expectStatus(200, server, { path: '/exchangeToken', token: carol, headers });
      }),
    ),
    await row(
      'a rejected access token',
      '0 / 0 / 0',
      fresh.map(() => () => expectStatus(401, server, { path: '/getToken', token: invalid })),
    ),
    await row('50 concurrent first calls of one user, in total', '1 / 2 / 1', [
      async () => {
        const [user] = bench.newUsers(1);
        await Promise.all(Array.from({ length: 50 }, () => getToken(server, user?.text ?? '')));
      },
    ]),
    await row('100 concurrent unknown key ids, in total', '3 / 0 / 0', [
      async () => {
        const tokens = Array.from({ length: 100 }, (_, index) =>
          emulator.accessToken({ header: { kid: `unknown-${index}` } }),
        );
        await Promise.all(tokens.map((token) => expectStatus(401, server, { path: '/getToken', token })));
      },
    ]),
  ];
  await Promise.all([server, withoutCaches, noReuse].map((one) => one.stop()));
  return {
    title: 'Upstream calls per request',
    result: 'Entra / Graph / ACS',
    against: 'budget',
    rows,
  };
}

function countsOf({ emulator }: Workbench): number[] {
  return ['entra', 'graph', 'acs'].map((service) => emulator.callsTo(service));
}

async function expectStatus(
  status: number,
  server: MeasuredProcess,
  options: Parameters<typeof call>[1],
): Promise<void> {
  const result = await call(server.url, options);
  if (result.status !== status) throw new Error(`${options.path} returned ${result.status}: ${result.body}`);
}
