import crypto from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { User } from '../../emulator/startEmulator';
import { callsDuring } from '../support/calls';
import { fakeDate, fakeMonotonicClock } from '../support/clock';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  system.emulator.reset();
});
afterAll(() => system.stop());

const minute = 60_000;

/** A user with an access token that stays valid in every test. */
interface Person {
  readonly user: User;
  readonly accessToken: string;
}

function newPerson(): Person {
  const user = system.emulator.addUser();
  return { user, accessToken: system.emulator.accessToken({ user, lifetimeInSeconds: 7 * 24 * 3_600 }) };
}

/** Fakes both clocks: caches use the monotonic one, token lifetimes use `Date`. */
function useFakeClocks(): (milliseconds: number) => Promise<void> {
  const [date, monotonic] = [fakeDate(), fakeMonotonicClock()];
  return async (milliseconds) => {
    date.advance(milliseconds);
    monotonic.advance(milliseconds);
    // The cache library caches the time for one real millisecond; this timer fires later.
    await sleep(2);
  };
}

async function getToken(
  server: TestServer,
  { accessToken }: Person,
  headers: Record<string, string> = {},
): Promise<{ token: string; communicationUserId: string }> {
  const { status, body } = await server.call('get', '/getToken', accessToken).set(headers);
  expect({ status, body }).toEqual({ status: 200, body: expect.anything() });
  return { token: body.token as string, communicationUserId: body.user.communicationUserId as string };
}

async function remove(server: TestServer, { accessToken }: Person): Promise<void> {
  expect((await server.call('delete', '/deleteUser', accessToken)).status).toBe(204);
}

const issued = { 'acs.token.issue': 1 };
const readAndIssued = { 'graph.me': 1, 'acs.token.issue': 1 };
const readOnly = { 'graph.me': 1 };
const oboAndRead = { 'entra.token.on_behalf_of': 1, 'graph.me': 1 };

/** A cache, observed by the upstream calls of a request: there are fewer while the entry is cached. */
interface Cache {
  name: string;
  settings: Record<string, string>;
  sizeSetting: string;
  request: (server: TestServer, person: Person) => Promise<unknown>;
  whenCached: Record<string, number>;
  whenNotCached: Record<string, number>;
  ttlInMinutes: number;
}

const caches: Cache[] = [
  {
    name: 'issued tokens',
    settings: {},
    sizeSetting: 'TOKEN_CACHE_SIZE',
    request: getToken,
    whenCached: {},
    whenNotCached: issued,
    ttlInMinutes: 15,
  },
  {
    name: 'identity mappings',
    settings: { TOKEN_REUSE_MINUTES: '0', IDENTITY_CACHE_MINUTES: '45' },
    sizeSetting: 'IDENTITY_CACHE_SIZE',
    request: getToken,
    whenCached: issued,
    whenNotCached: readAndIssued,
    ttlInMinutes: 45,
  },
  {
    name: 'On-Behalf-Of tokens',
    settings: {},
    sizeSetting: 'OBO_TOKEN_CACHE_SIZE',
    request: async (server, { accessToken }) =>
      expect([200, 404]).toContain((await server.call('get', '/api/user', accessToken)).status),
    whenCached: readOnly,
    whenNotCached: oboAndRead,
    // The emulator's tokens live for 75 minutes, and the last five are not used.
    ttlInMinutes: 70,
  },
];

describe.each(caches)(
  'the cache of $name',
  ({ settings, sizeSetting, request, whenCached, whenNotCached, ttlInMinutes }) => {
    const start = (more: Record<string, string> = {}) => startReadyServer(system, { ...settings, ...more });
    const callsOf = (server: TestServer, person: Person) =>
      callsDuring(system.emulator, () => request(server, person));

    it('saves upstream calls', async () => {
      const [server, person] = [await start(), newPerson()];
      await request(server, person);
      expect(await callsOf(server, person)).toEqual(whenCached);
    });

    it('keeps as many users as its setting allows, the latest ones', async () => {
      const server = await start({ [sizeSetting]: '1' });
      const [first, second] = [newPerson(), newPerson()];
      await request(server, first);
      await request(server, second);
      expect(await callsOf(server, second)).toEqual(whenCached);
      expect(await callsOf(server, first)).toEqual(whenNotCached);
      expect(await callsOf(server, second)).toEqual(whenNotCached);
    });

    it(`expires after ${ttlInMinutes} minutes`, async () => {
      const [server, person] = [await start(), newPerson()];
      const advance = useFakeClocks();
      await request(server, person);
      await advance(ttlInMinutes * minute - 1_000);
      expect(await callsOf(server, person)).toEqual(whenCached);
      // One second more, because MSAL counts whole seconds.
      await advance(2_000);
      const calls = await callsOf(server, person);
      expect(calls).toMatchObject(whenNotCached);
      expect(calls).not.toEqual(whenCached);
    });
  },
);

describe('a reused token', () => {
  it('belongs to the caller, among ten cached users', async () => {
    const people = Array.from({ length: 10 }, newPerson);
    const own = await Promise.all(people.map((person) => getToken(system, person)));
    expect(new Set(own.map(({ communicationUserId }) => communicationUserId)).size).toBe(people.length);
    const again = await callsDuring(system.emulator, async () => {
      for (const [index, person] of [...people.entries()].reverse()) {
        expect(await getToken(system, person)).toEqual(own[index]);
      }
    });
    expect(again).toEqual({});
    for (const { token, communicationUserId } of own) {
      const [, claims = ''] = token.split('.');
      expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
        skypeid: communicationUserId.replace(/^8:/, ''),
      });
    }
  });

  it.each([
    ['24 hours, window of 12: the window', 1_440, 720, 720],
    ['10 hours, window of 12: half its life', 600, 720, 300],
    ['1 hour, window of 15 minutes: the window', 60, 15, 15],
    ['1 hour, window of 12: half its life', 60, 720, 30],
    ['20 minutes: until 15 are left', 20, 720, 5],
    ['16 minutes: until 15 are left', 16, 720, 1],
    ['15 minutes: never', 15, 720, 0],
    ['5 minutes: never', 5, 720, 0],
    ['24 hours, no window: never', 1_440, 0, 0],
  ])('is reused for the right time (lifetime %s)', async (_name, life, window, reusable) => {
    const server = await startReadyServer(system, { TOKEN_REUSE_MINUTES: String(window) });
    const person = newPerson();
    await getToken(server, person);
    const advance = useFakeClocks();
    // ACS may issue a token with a shorter lifetime than requested.
    system.emulator.fail({
      operation: 'acs.token.issue',
      kind: 'status',
      status: 200,
      body: { token: 'short.lived.token', expiresOn: new Date(Date.now() + life * minute).toISOString() },
    });
    const first = await getToken(server, person, { 'cache-control': 'no-cache' });
    expect(first.token).toBe('short.lived.token');
    if (reusable > 0) {
      await advance(reusable * minute - 10_000);
      expect((await getToken(server, person)).token).toBe(first.token);
      await advance(10_001);
    }
    expect((await getToken(server, person)).token).not.toBe(first.token);
  });

  it('is not one that has expired while the machine was suspended, and its monotonic clock with it', async () => {
    const person = newPerson();
    const date = fakeDate();
    const first = await getToken(system, person);
    date.advance(24 * 60 * minute);
    expect((await getToken(system, person)).token).not.toBe(first.token);
  });

  it('is replaced by a newer one that a caller requests with Cache-Control: no-cache', async () => {
    const person = newPerson();
    const advance = useFakeClocks();
    const first = await getToken(system, person);
    await advance(2_000);
    const newer = await getToken(system, person, { 'cache-control': 'no-cache' });
    expect(newer.token).not.toBe(first.token);
    expect(await getToken(system, person)).toEqual(newer);
  });

  it('is removed from the cache when the user is deleted', async () => {
    const person = newPerson();
    const first = await getToken(system, person);
    await remove(system, person);
    const second = await getToken(system, person);
    expect(second.token).not.toBe(first.token);
    expect(second.communicationUserId).not.toBe(first.communicationUserId);
    expect(system.emulator.identities().map(({ id }) => id)).toEqual([second.communicationUserId]);
  });
});

describe('a cached mapping', () => {
  it('is removed from the cache when the user is deleted', async () => {
    const server = await startReadyServer(system, { TOKEN_REUSE_MINUTES: '0' });
    const person = newPerson();
    const first = await getToken(server, person);
    await remove(server, person);
    const calls = await callsDuring(system.emulator, async () => {
      expect((await getToken(server, person)).communicationUserId).not.toBe(first.communicationUserId);
    });
    expect(calls).toEqual({ 'graph.me': 1, 'acs.identity.create': 1, 'graph.extension.create': 1 });
  });

  it('is replaced when another server has deleted the user', async () => {
    const server = await startReadyServer(system, { TOKEN_REUSE_MINUTES: '0' });
    const person = newPerson();
    const first = await getToken(server, person);
    await remove(system, person);
    const second = await getToken(server, person);
    expect(second.communicationUserId).not.toBe(first.communicationUserId);
    expect(system.emulator.identities().map(({ id }) => id)).toEqual([second.communicationUserId]);
  });

  it('is not kept with IDENTITY_CACHE_MINUTES=0', async () => {
    const server = await startReadyServer(system, {
      TOKEN_REUSE_MINUTES: '0',
      IDENTITY_CACHE_MINUTES: '0',
    });
    const person = newPerson();
    await getToken(server, person);
    expect(await callsDuring(system.emulator, () => getToken(server, person))).toEqual(readAndIssued);
  });
});

describe('a cached On-Behalf-Of token', () => {
  const findUser = (server: TestServer, { accessToken }: Person) =>
    server.call('get', '/api/user', accessToken);

  it('is used for one access token only: another one of the same user needs its own exchange', async () => {
    const { user, accessToken } = newPerson();
    await findUser(system, { user, accessToken });
    const another = { user, accessToken: system.emulator.accessToken({ user }) };
    expect(await callsDuring(system.emulator, () => findUser(system, another))).toEqual(oboAndRead);
  });

  it('reads the directory entry of the right user', async () => {
    const [first, second] = [newPerson(), newPerson()];
    const [ofFirst, ofSecond] = [await getToken(system, first), await getToken(system, second)];
    for (const [person, { communicationUserId }] of [
      [first, ofFirst],
      [second, ofSecond],
    ] as const) {
      expect((await findUser(system, person)).body).toEqual({ user: { communicationUserId } });
    }
  });

  it('is replaced when Graph rejects it', async () => {
    const person = newPerson();
    await findUser(system, person);
    system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 401 });
    const calls = await callsDuring(system.emulator, async () => {
      expect((await findUser(system, person)).status).toBe(404);
    });
    expect(calls).toEqual({ 'entra.token.on_behalf_of': 1, 'graph.me': 2 });
  });
});

describe('a verified access token', () => {
  const person = (options: { lifetimeInSeconds?: number } = {}): Person => {
    const user = system.emulator.addUser();
    return { user, accessToken: system.emulator.accessToken({ user, ...options }) };
  };

  /** The number of signatures verified during these requests, which make no upstream call. */
  async function checksDuring(server: TestServer, ...people: Person[]): Promise<number> {
    // The bearer strategy verifies with this; it gets each token that is not cached once.
    const strategyVerifies = jest.spyOn(crypto, 'createVerify');
    const calls = await callsDuring(system.emulator, async () => {
      for (const one of people) await getToken(server, one);
    });
    expect(calls).toEqual({});
    const checks = strategyVerifies.mock.calls.length;
    strategyVerifies.mockRestore();
    return checks;
  }

  it('is not verified again', async () => {
    const [known, other] = [person(), person()];
    await getToken(system, known);
    const anotherToken = { ...known, accessToken: system.emulator.accessToken({ user: known.user }) };
    await getToken(system, other);
    expect(await checksDuring(system, known, known, other)).toBe(0);
    expect(await checksDuring(system, anotherToken, anotherToken)).toBe(1);
  });

  it('is verified again after BEARER_TOKEN_CACHE_SIZE other tokens', async () => {
    const server = await startReadyServer(system, { BEARER_TOKEN_CACHE_SIZE: '1' });
    const [first, second] = [person(), person()];
    await getToken(server, first);
    await getToken(server, second);
    expect(await checksDuring(server, second, second)).toBe(0);
    expect(await checksDuring(server, first, first, second)).toBe(2);
  });

  it('is verified again after 5 minutes', async () => {
    const advance = useFakeClocks();
    const known = person();
    await getToken(system, known);
    await advance(5 * minute - 1_000);
    expect(await checksDuring(system, known)).toBe(0);
    await advance(1_001);
    expect(await checksDuring(system, known)).toBe(1);
  });

  it('is verified again after its expiry, while the clock tolerance still accepts it', async () => {
    const advance = useFakeClocks();
    const known = person({ lifetimeInSeconds: 60 });
    await getToken(system, known);
    await advance(59_000);
    expect(await checksDuring(system, known)).toBe(0);
    await advance(2_000);
    expect(await checksDuring(system, known)).toBe(1);
    await advance(5 * minute);
    await system.call('get', '/getToken', known.accessToken).expect(401);
  });

  it('is verified again when the signing keys have changed', async () => {
    const server = await startReadyServer(system);
    const known = person();
    await getToken(server, known);
    system.emulator.rotateKeys({ keepOld: true });
    expect(await checksDuring(server, known)).toBe(0);
    await getToken(server, person());
    expect(await checksDuring(server, known)).toBe(1);
  });
});
