import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import type { Row, Section } from '../table';
import { getToken, withoutMemory, type Workbench } from '../workbench';

const users = 20;

/** Upstream calls per request, counted by the emulator, for each row of the call budget. */
export async function measureCalls(bench: Workbench): Promise<Section> {
  bench.reset();
  const { emulator } = bench;
  const known = await bench.knownUsers(users);
  const [server, forgetful, noReuse] = [
    await bench.startServer(),
    await bench.startServer(withoutMemory),
    await bench.startServer({ TOKEN_REUSE_MINUTES: '0' }),
  ];
  const fresh = bench.newUsers(users);
  const carol = emulator.accessToken({ user: 'carol' });
  const teamsToken = emulator.teamsToken({ user: 'carol' });
  const rejected = emulator.accessToken({ defect: 'bad_signature' });
  for (const { text } of known) await getToken(noReuse, text);

  const row = async (name: string, against: string, requests: (() => Promise<unknown>)[]): Promise<Row> => {
    const before = countsOf(bench);
    for (const request of requests) await request();
    const counts = countsOf(bench).map((count, index) => (count - (before[index] ?? 0)) / requests.length);
    return { name, result: counts.map(String).join(' / '), against };
  };
  const asEach = (server: MeasuredProcess, tokens: { text: string }[], headers?: Record<string, string>) =>
    tokens.map(
      ({ text }) =>
        () =>
          getToken(server, text, headers),
    );

  const rows = [
    await row('getToken, new user', '1 / 2 / 1', asEach(server, fresh)),
    await row('getToken, known user, cold', '1 / 1 / 1', asEach(forgetful, known)),
    await row('getToken, warm, within the reuse window', '0 / 0 / 0', asEach(server, fresh)),
    await row('getToken, warm, outside the window', '0 / 0 / 1', asEach(noReuse, known)),
    await row(
      'getToken, warm, no-cache',
      '0 / 0 / 1',
      asEach(server, fresh, { 'cache-control': 'no-cache' }),
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
      fresh.map(() => () => expectStatus(401, server, { path: '/getToken', token: rejected })),
    ),
    await row('50 first calls of one user at once, together', '1 / 2 / 1', [
      async () => {
        const [newcomer] = bench.newUsers(1);
        await Promise.all(Array.from({ length: 50 }, () => getToken(server, newcomer?.text ?? '')));
      },
    ]),
    await row('100 invented key ids at once, together', '3 / 0 / 0', [
      async () => {
        const invented = Array.from({ length: 100 }, (_, index) =>
          emulator.accessToken({ header: { kid: `invented-${index}` } }),
        );
        await Promise.all(invented.map((token) => expectStatus(401, server, { path: '/getToken', token })));
      },
    ]),
  ];
  await Promise.all([server, forgetful, noReuse].map((one) => one.stop()));
  return {
    title: 'Upstream calls per request',
    result: 'Entra / Graph / ACS',
    against: 'the budget',
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
  const answer = await call(server.url, options);
  if (answer.status !== status) throw new Error(`${options.path} answered ${answer.status}: ${answer.body}`);
}
