import type { User } from '../../emulator/startEmulator';
import { callsDuring } from '../support/calls';
import { fakeMonotonicClock } from '../support/clock';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

let system: System;
/** Issues a new token for every request: it has no reuse window. */
let withoutReuse: TestServer;
beforeAll(async () => {
  system = await startReadySystem();
  withoutReuse = await startReadyServer(system, { TOKEN_REUSE_MINUTES: '0' });
});
afterEach(() => {
  jest.restoreAllMocks();
  system.emulator.reset();
});
afterAll(() => system.stop());

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

async function ok(calls: PromiseLike<{ status: number; body: unknown }>[]): Promise<void> {
  const refused = (await Promise.all(calls)).filter(({ status }) => status !== 200);
  expect(refused.map(({ status, body }) => ({ status, body }))).toEqual([]);
}

const forNewUser = {
  'entra.token.on_behalf_of': 1,
  'graph.me': 1,
  'acs.identity.create': 1,
  'graph.extension.create': 1,
};
const forKnownUser = { 'entra.token.on_behalf_of': 1, 'graph.me': 1, 'acs.token.issue': 1 };
const oneIssued = { 'acs.token.issue': 1 };
/** For many concurrent requests: one for the first, and one for all that arrive while it is in flight. */
const twoIssued = { 'acs.token.issue': 2 };

describe('getToken costs', () => {
  let user: User;
  let accessToken: string;
  beforeEach(() => {
    user = system.emulator.addUser();
    accessToken = system.emulator.accessToken({ user });
  });
  const getToken = (server: TestServer) => server.call('get', '/getToken', accessToken);

  it('four calls for a new user', async () => {
    const { emulator } = system;
    const calls = await callsDuring(emulator, async () => {
      const { status, body } = await getToken(system);
      expect({ status, body }).toEqual({
        status: 200,
        body: {
          token: expect.stringMatching(/^eyJ/),
          expiresOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          user: { communicationUserId: expect.stringMatching(/^8:acs:/) },
        },
      });
      expect(emulator.identities().map(({ id }) => id)).toEqual([body.user.communicationUserId]);
    });
    expect(calls).toEqual(forNewUser);
  });

  it('three calls for a known user that is not cached', async () => {
    await ok([getToken(system)]);
    const newServer = await startReadyServer(system);
    expect(await callsDuring(system.emulator, () => ok([getToken(newServer)]))).toEqual(forKnownUser);
  });

  it('nothing for a user with a recent token, which is reused, also with another access token', async () => {
    const { body } = await getToken(system);
    const calls = await callsDuring(system.emulator, async () => {
      expect((await getToken(system)).body).toEqual(body);
      accessToken = system.emulator.accessToken({ user });
      expect((await getToken(system)).body).toEqual(body);
    });
    expect(calls).toEqual({});
  });

  it('one call outside the reuse window', async () => {
    const first = await getToken(withoutReuse);
    const calls = await callsDuring(system.emulator, async () => {
      const second = await getToken(withoutReuse);
      expect(second.body.user).toEqual(first.body.user);
      expect(second.status).toBe(200);
    });
    expect(calls).toEqual(oneIssued);
  });

  it.each(['no-cache', 'max-age=0, No-Cache'])(
    'one call for a caller that sends Cache-Control: %s, even if a token is cached',
    async (cacheControl) => {
      await ok([getToken(system)]);
      for (let repeat = 0; repeat < 3; repeat += 1) {
        const calls = await callsDuring(system.emulator, () =>
          ok([getToken(system).set('Cache-Control', cacheControl)]),
        );
        expect(calls).toEqual(oneIssued);
      }
    },
  );

  describe('no more for 50 concurrent requests:', () => {
    // Slow enough for all requests to arrive while the first is in flight.
    const delayInMs = 1_500;

    it('a new user', async () => {
      system.emulator.delay('entra.token', delayInMs);
      const calls = await callsDuring(system.emulator, () => ok(times(50, () => getToken(system))));
      expect(calls).toEqual(forNewUser);
    });

    it('a new user with 50 access tokens', async () => {
      system.emulator.delay('entra.token', delayInMs);
      const calls = await callsDuring(system.emulator, () =>
        ok(times(50, () => system.call('get', '/getToken', system.emulator.accessToken({ user })))),
      );
      expect(calls).toEqual(forNewUser);
    });

    it('a known user that is not cached', async () => {
      await ok([getToken(system)]);
      const newServer = await startReadyServer(system);
      system.emulator.delay('entra.token', delayInMs);
      const calls = await callsDuring(system.emulator, () => ok(times(50, () => getToken(newServer))));
      expect(calls).toEqual(forKnownUser);
    });

    it('a user outside the reuse window', async () => {
      await ok([getToken(withoutReuse)]);
      system.emulator.delay('acs', delayInMs);
      const calls = await callsDuring(system.emulator, () => ok(times(50, () => getToken(withoutReuse))));
      expect(calls).toEqual(twoIssued);
    });

    it('a user who requests a new token', async () => {
      await ok([getToken(system)]);
      system.emulator.delay('acs', delayInMs);
      const calls = await callsDuring(system.emulator, () =>
        ok(times(50, () => getToken(system).set('Cache-Control', 'no-cache'))),
      );
      expect(calls).toEqual(twoIssued);
    });
  });
});

describe('exchangeToken costs', () => {
  const exchange = (accessToken: string, teamsToken: string) =>
    system.call('post', '/exchangeToken', accessToken).set('teams-user-aad-token', teamsToken);

  it('one call', async () => {
    const { emulator } = system;
    const calls = await callsDuring(emulator, () =>
      ok([exchange(emulator.accessToken({ user: 'carol' }), emulator.teamsToken({ user: 'carol' }))]),
    );
    expect(calls).toEqual({ 'acs.teams.exchange': 1 });
  });

  it('no more for 50 concurrent requests with the same Teams token', async () => {
    const { emulator } = system;
    emulator.delay('acs', 1_500);
    const [accessToken, teamsToken] = [
      emulator.accessToken({ user: 'carol' }),
      emulator.teamsToken({ user: 'carol' }),
    ];
    const calls = await callsDuring(emulator, () => ok(times(50, () => exchange(accessToken, teamsToken))));
    expect(calls).toEqual({ 'acs.teams.exchange': 1 });
  });
});

describe('a rejected access token costs', () => {
  const rejected = (server: TestServer, accessToken?: string) =>
    server.call('get', '/getToken', accessToken).expect(401);

  it.each(['expired', 'wrong_audience', 'wrong_issuer', 'bad_signature', 'alg_none', 'not_a_token'] as const)(
    'nothing (%s)',
    async (defect) => {
      const accessToken = system.emulator.accessToken({ defect });
      expect(await callsDuring(system.emulator, () => rejected(system, accessToken))).toEqual({});
    },
  );

  it('nothing if it is missing', async () => {
    expect(await callsDuring(system.emulator, () => rejected(system))).toEqual({});
  });

  it('one fetch of the signing keys per 10 s, for any number of unknown key ids', async () => {
    const server = await startReadyServer(system);
    const clock = fakeMonotonicClock();
    const oneKeyFetch = { 'entra.discovery': 2, 'entra.keys': 1 };
    const storm = () =>
      Promise.all(
        times(30, (index) =>
          rejected(server, system.emulator.accessToken({ header: { kid: `made up ${index}` } })),
        ),
      );
    expect(await callsDuring(system.emulator, storm)).toEqual(oneKeyFetch);
    expect(await callsDuring(system.emulator, storm)).toEqual({});
    clock.advance(9_999);
    expect(await callsDuring(system.emulator, storm)).toEqual({});
    clock.advance(1);
    expect(await callsDuring(system.emulator, storm)).toEqual(oneKeyFetch);
  });
});
