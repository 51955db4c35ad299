import type { User } from '../../emulator/startEmulator';
import { expectOneIdentityEach } from '../support/mappings';
import { timeScale } from '../support/fastTimings';
import { startSystem, type System, type TestServer } from '../support/startSystem';

let system: System;
let other: TestServer;
beforeAll(async () => {
  // Tokens from memory would hide what the races do to the identities.
  system = await startSystem({ TOKEN_REUSE_MINUTES: '0' });
  other = await system.startAnother();
  await allReady(system, other);
  system.emulator.reset();
});
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

async function allReady(...servers: TestServer[]): Promise<void> {
  for (const server of servers) {
    while ((await server.call('get', '/health/ready')).status !== 200);
  }
}

function expectAllServed(users: User[], responses: { status: number; body: unknown }[]): void {
  expect(
    responses.filter(({ status }) => status !== 200).map(({ status, body }) => ({ status, body })),
  ).toEqual([]);
  expect(expectOneIdentityEach(system.emulator)).toBe(users.length);
}

describe('first calls of one user at once', () => {
  it('share each upstream call: 50 of them cost as much as one', async () => {
    const { emulator } = system;
    const user = emulator.addUser();
    const accessToken = emulator.accessToken({ user });
    // Slow enough for all to arrive while the first is under way.
    emulator.delay('graph.me', 500);
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

  it('to create the user tell one caller that it was created', async () => {
    const { emulator } = system;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    emulator.delay('graph.me', 500);
    const responses = await Promise.all(times(10, () => system.call('post', '/api/user', accessToken)));
    expect(responses.map(({ status }) => status).sort()).toEqual([...times(9, () => 200), 201]);
  });

  it('end with one identity, whichever access tokens and operations they use', async () => {
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
    ['400 for the second', { duplicateExtensionStatus: 400 as const }],
    ['409 for the second', { duplicateExtensionStatus: 409 as const }],
    ['replicas that lag', { replicaLagInMs: 300 * timeScale }],
  ])('to two servers end with one identity each (%s)', async (_name, switches) => {
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

  it('to two servers replace an identity that is gone with one new one', async () => {
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

describe('a caller who gives up', () => {
  it('does not take those who wait for the same with them', async () => {
    const { emulator } = system;
    emulator.delay('acs.identity.create', 300);
    const user = emulator.addUser();
    const accessToken = emulator.accessToken({ user });
    const impatient = fetch(`${system.url}/getToken`, {
      headers: { Authorization: `Bearer ${accessToken}` },
      signal: AbortSignal.timeout(150),
    });
    const patient = system.call('get', '/getToken', accessToken);
    await expect(impatient).rejects.toThrow();
    expectAllServed([user], [await patient]);
  });

  it('leaves nothing behind, wherever the work stops', async () => {
    const { emulator } = system;
    for (const step of ['graph.me', 'acs.identity.create', 'graph.extension.create']) {
      emulator.reset();
      emulator.delay(step, 200);
      const accessToken = emulator.accessToken({ user: emulator.addUser() });
      const alone = fetch(`${system.url}/getToken`, {
        headers: { Authorization: `Bearer ${accessToken}` },
        signal: AbortSignal.timeout(100),
      });
      await expect(alone).rejects.toThrow();
      await quiet();
      const mapped = emulator.mappings().map(({ extension }) => extension.acsUserIdentity);
      expect({ step, left: emulator.identities().map(({ id }) => id) }).toEqual({ step, left: mapped });
    }
  });

  /** Until no call has reached the emulator for a while. */
  async function quiet(): Promise<void> {
    const count = () => Object.values(system.emulator.calls()).reduce((sum, calls) => sum + calls, 0);
    for (let last = -1; last !== count();) {
      last = count();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
});

describe('tokens and deletions of one user interleaved', () => {
  it.each([
    ['as they come', {}],
    ['with slow removals of mappings', { 'graph.extension.delete': 40 }],
    ['with slow deletions of identities', { 'acs.identity.delete': 60 }],
  ])(
    'on two servers leave one identity or none, no orphan, and no server error (%s)',
    async (_name, delays) => {
      const { emulator } = system;
      for (const [operation, milliseconds] of Object.entries(delays)) emulator.delay(operation, milliseconds);
      const users = times(10, () => emulator.addUser());
      const responses = await Promise.all(
        users.flatMap((user) =>
          times(8, async (index) => {
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
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
    },
  );
});

describe('a deletion that fails half way', () => {
  it.each(['graph.extension.update', 'acs.identity.delete', 'graph.extension.delete'])(
    'at %s is finished by repeating it, and nobody gets a token for the doomed identity meanwhile',
    async (operation) => {
      const { emulator } = system;
      const accessToken = emulator.accessToken({ user: emulator.addUser() });
      const first = await system.call('get', '/getToken', accessToken);
      const doomed = first.body.user.communicationUserId as string;

      emulator.fail({ operation, kind: 'status', status: 500, times: Infinity });
      expect((await system.call('delete', '/deleteUser', accessToken)).status).toBe(503);
      if (operation !== 'graph.extension.update') {
        const meanwhile = await other.call('get', '/getToken', accessToken);
        expect(meanwhile.body.user?.communicationUserId).not.toBe(doomed);
      }
    },
  );

  it('is finished by the next getToken, which starts anew', async () => {
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

  it('is finished by a second delete', async () => {
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
});
