import { setTimeout as sleep } from 'node:timers/promises';
import type { User } from '../../emulator/startEmulator';
import { expectOneIdentityEach, extensionName } from '../support/mappings';
import {
  expireForHeldCallsOnly,
  shortTimeoutTimings,
  longTimeoutTimings,
  timeScale,
} from '../support/fastTimings';
import { startSystem, type System, type TestServer } from '../support/startSystem';
import { until } from '../support/until';

let system: System;
let other: TestServer;
beforeAll(async () => {
  // Reused tokens would hide the effect of the races on the identities.
  system = await startSystem({ TOKEN_REUSE_MINUTES: '0' }, longTimeoutTimings);
  other = await system.startAnother({}, longTimeoutTimings);
  await Promise.all([system.ready(), other.ready()]);
  system.emulator.reset();
});
afterEach(() => jest.restoreAllMocks());
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

function expectAllServed(users: User[], responses: { status: number; body: unknown }[]): void {
  expect(
    responses.filter(({ status }) => status !== 200).map(({ status, body }) => ({ status, body })),
  ).toEqual([]);
  expect(expectOneIdentityEach(system.emulator)).toBe(users.length);
}

describe('concurrent first calls of one user', () => {
  it('share each upstream call: 50 of them make as many as one', async () => {
    const { emulator } = system;
    const user = emulator.addUser();
    const accessToken = emulator.accessToken({ user });
    // Slow enough for all requests to arrive while the first is in flight.
    emulator.delay('graph.me', 1_500);
    const responses = await Promise.all(times(50, () => system.call('get', '/getToken', accessToken)));
    expectAllServed([user], responses);
    expect(new Set(responses.map(({ body }) => body.token as string)).size).toBe(1);
    expect(emulator.calls()).toEqual({
      'entra.token.on_behalf_of': 1,
      'graph.me': 1,
      'acs.identity.create': 1,
      'graph.extension.create': 1,
    });
  });

  it('to POST /api/user return 201 once and 200 to the others', async () => {
    const { emulator } = system;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    emulator.delay('graph.me', 1_500);
    const responses = await Promise.all(times(10, () => system.call('post', '/api/user', accessToken)));
    expect(responses.map(({ status }) => status).sort()).toEqual([...times(9, () => 200), 201]);
  });

  it('end with one identity, with different access tokens and operations', async () => {
    const { emulator } = system;
    const user = emulator.addUser();
    const responses = await Promise.all(
      times(40, (index) =>
        index % 4 === 0
          ? system.call('post', '/api/user', emulator.accessToken({ user }))
          : system.call('get', '/getToken', emulator.accessToken({ user })),
      ),
    );
    expect(responses.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    expect(new Set(responses.map(({ body }) => body.user.communicationUserId as string)).size).toBe(1);
    expect(emulator.identities()).toHaveLength(1);
  });

  it.each([
    ['Graph refuses the second with 400', { duplicateExtensionStatus: 400 as const }],
    ['Graph refuses the second with 409', { duplicateExtensionStatus: 409 as const }],
    ['with replica lag', { replicaLagInMs: 300 * timeScale }],
  ])('to two servers end with one identity per user (%s)', async (_name, switches) => {
    const { emulator } = system;
    Object.assign(emulator.switches, switches);
    emulator.delay('acs.identity.create', 30);
    const users = times(20, () => emulator.addUser());
    const responses = await Promise.all(
      users.flatMap((user) => [
        system.call('get', '/getToken', emulator.accessToken({ user })),
        other.call('get', '/getToken', emulator.accessToken({ user })),
      ]),
    );
    expectAllServed(users, responses);
  });

  it('to two servers replace a deleted identity with one new one', async () => {
    const { emulator } = system;
    const users = times(10, () => emulator.addUser());
    const tokens = users.map((user) => emulator.accessToken({ user }));
    await Promise.all(
      tokens.flatMap((token) => [
        system.call('get', '/getToken', token),
        other.call('get', '/getToken', token),
      ]),
    );
    for (const { id } of emulator.identities()) emulator.deleteIdentity(id);
    const responses = await Promise.all(
      tokens.flatMap((token) => [
        system.call('get', '/getToken', token),
        other.call('get', '/getToken', token),
      ]),
    );
    expectAllServed(users, responses);
  });
});

describe('a client that disconnects', () => {
  it('does not cancel the work that another request waits for', async () => {
    const { emulator } = system;
    emulator.delay('acs.identity.create', 300);
    const user = emulator.addUser();
    const accessToken = emulator.accessToken({ user });
    const disconnected = callAndDisconnectAt('acs.identity.create', accessToken);
    const connected = system.call('get', '/getToken', accessToken);
    const [response] = await Promise.all([connected, disconnected]);
    expectAllServed([user], [response]);
  });

  it('leaves no orphan, at whichever step the work stops', async () => {
    const { emulator } = system;
    for (const step of ['graph.me', 'acs.identity.create', 'graph.extension.create']) {
      emulator.reset();
      emulator.delay(step, 200);
      const accessToken = emulator.accessToken({ user: emulator.addUser() });
      await callAndDisconnectAt(step, accessToken);
      await waitUntilIdle();
      const mapped = emulator.mappings().map(({ extension }) => extension.acsUserIdentity);
      expect({ step, left: emulator.identities().map(({ id }) => id) }).toEqual({ step, left: mapped });
    }
  });

  it('while its token is verified causes no work for it', async () => {
    const { emulator } = system;
    emulator.rotateKeys();
    emulator.delay('entra.keys', 200);
    await callAndDisconnectAt('entra.keys', emulator.accessToken({ user: emulator.addUser() }));
    await waitUntilIdle();
    expect(Object.keys(emulator.calls()).filter((operation) => !/discovery|keys/i.test(operation))).toEqual(
      [],
    );
  });

  /** Disconnects as soon as the work has come to this step. */
  async function callAndDisconnectAt(step: string, accessToken: string): Promise<void> {
    const client = new AbortController();
    const request = fetch(`${system.url}/getToken`, {
      headers: { Authorization: `Bearer ${accessToken}` },
      signal: client.signal,
    });
    const failure = expect(request).rejects.toThrow();
    await until(() => system.emulator.callsTo(step) > 0);
    client.abort();
    await failure;
  }

  /** Waits until no call reaches the emulator for longer than it delays one. */
  async function waitUntilIdle(): Promise<void> {
    const count = () => Object.values(system.emulator.calls()).reduce((sum, calls) => sum + calls, 0);
    for (let last = -1; last !== count();) {
      last = count();
      await sleep(300);
    }
  }
});

describe('interleaved tokens and deletions of one user', () => {
  it.each([
    ['default timing', {}],
    ['slow deletion of mappings', { 'graph.extension.delete': 40 }],
    ['slow deletion of identities', { 'acs.identity.delete': 60 }],
  ])('on two servers leave at most one identity, no orphan, and no 5xx (%s)', async (_name, delays) => {
    const { emulator } = system;
    for (const [operation, milliseconds] of Object.entries(delays)) emulator.delay(operation, milliseconds);
    const users = times(10, () => emulator.addUser());
    const responses = await Promise.all(
      users.flatMap((user, userIndex) =>
        times(8, async (index) => {
          // Spread over 400 ms, differently for each user, and the same in every run.
          await sleep((index * 149 + userIndex * 61) % 400);
          const server = index % 2 === 0 ? system : other;
          const accessToken = emulator.accessToken({ user });
          return index % 3 === 2
            ? server.call('delete', '/deleteUser', accessToken)
            : server.call('get', '/getToken', accessToken);
        }),
      ),
    );
    expect(
      responses.filter(({ status }) => status >= 500).map(({ status, body }) => ({ status, body })),
    ).toEqual([]);
    expectOneIdentityEach(emulator);
  });
});

describe('a deletion that fails partway', () => {
  it.each(['graph.extension.update', 'acs.identity.delete', 'graph.extension.delete'])(
    'at %s issues no token for the identity that is being deleted',
    async (operation) => {
      const { emulator } = system;
      const accessToken = emulator.accessToken({ user: emulator.addUser() });
      const first = await system.call('get', '/getToken', accessToken);
      const deletedId = first.body.user.communicationUserId as string;

      emulator.fail({ operation, kind: 'status', status: 500, times: Infinity });
      expect((await system.call('delete', '/deleteUser', accessToken)).status).toBe(503);
      if (operation !== 'graph.extension.update') {
        const meanwhile = await other.call('get', '/getToken', accessToken);
        expect(meanwhile.body.user?.communicationUserId).not.toBe(deletedId);
      }
    },
  );

  it('is completed by the next getToken, which creates a new identity', async () => {
    const { emulator } = system;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    const first = await system.call('get', '/getToken', accessToken);
    emulator.fail({ operation: 'acs.identity.delete', kind: 'status', status: 500, times: 3 });
    expect((await system.call('delete', '/deleteUser', accessToken)).status).toBe(503);
    const next = await other.call('get', '/getToken', accessToken);
    expect(next.status).toBe(200);
    expect(next.body.user.communicationUserId).not.toBe(first.body.user.communicationUserId);
    expect(emulator.identities().map(({ id }) => id)).toEqual([next.body.user.communicationUserId]);
  });

  it('is completed by a second delete', async () => {
    const { emulator } = system;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    await system.call('get', '/getToken', accessToken);
    emulator.fail({ operation: 'graph.extension.delete', kind: 'drop', times: 3 });
    expect((await system.call('delete', '/deleteUser', accessToken)).status).toBe(503);
    expect((await other.call('delete', '/deleteUser', accessToken)).status).toBe(204);
    expect({ identities: emulator.identities(), mappings: emulator.mappings() }).toEqual({
      identities: [],
      mappings: [],
    });
  });

  it.each(['graph.extension.update', 'graph.extension.delete'])(
    'whose %s has no response does not touch the identity that the user has when it is retried',
    async (operation) => {
      const { emulator } = system;
      expireForHeldCallsOnly(system.emulator);
      const shortTimeouts = await system.startAnother({}, shortTimeoutTimings);
      await shortTimeouts.ready();
      const accessToken = emulator.accessToken({ user: emulator.addUser() });
      await other.call('get', '/getToken', accessToken).expect(200);
      emulator.fail({ operation, kind: 'hang' });
      const before = emulator.callsTo(operation);
      const deletion = shortTimeouts.call('delete', '/deleteUser', accessToken).then();
      await until(() => emulator.callsTo(operation) > before);
      await other.call('delete', '/deleteUser', accessToken).expect(204);
      const { body } = await other.call('get', '/getToken', accessToken).expect(200);
      expect((await deletion).status).toBe(204);
      const { communicationUserId } = body.user as { communicationUserId: string };
      expect(emulator.identities().map(({ id }) => id)).toEqual([communicationUserId]);
      expectOneIdentityEach(emulator);
    },
  );

  it('whose removal of a forged mapping has no response does not touch the mapping that was made since', async () => {
    const { emulator } = system;
    expireForHeldCallsOnly(system.emulator);
    const shortTimeouts = await system.startAnother({}, shortTimeoutTimings);
    await shortTimeouts.ready();
    const user = emulator.addUser();
    const accessToken = emulator.accessToken({ user });
    emulator.setExtension(user.objectId, { extensionName, acsUserIdentity: 'forged', seal: 'forged' });
    emulator.fail({ operation: 'graph.extension.delete', kind: 'hang' });
    const deletion = shortTimeouts.call('delete', '/deleteUser', accessToken).then();
    await until(() => emulator.callsTo('graph.extension.delete') > 0);
    await other.call('delete', '/deleteUser', accessToken).expect(204);
    await other.call('get', '/getToken', accessToken).expect(200);
    expect((await deletion).status).toBe(204);
    expect(expectOneIdentityEach(emulator)).toBe(1);
  });

  it('whose last write is applied but has no response is not repeated, since the user may exist again', async () => {
    const { emulator } = system;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    await system.call('get', '/getToken', accessToken).expect(200);
    emulator.fail({ operation: 'graph.extension.delete', kind: 'replyLost' });
    await system.call('delete', '/deleteUser', accessToken).expect(204);
    expect(emulator.callsTo('graph.extension.delete')).toBe(1);
    expect(emulator.mappings()).toEqual([]);
  });
});
