import { timeScale } from '../support/fastTimings';
import { startSystem, type System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startSystem({ TOKEN_REUSE_MINUTES: '0' })));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const settle = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a directory with replica lag', () => {
  it.each([
    ['created and immediately deleted', ['post', 'delete']],
    ['created and deleted twice', ['post', 'delete', 'post', 'delete']],
    ['created, then deleted twice', ['post', 'delete', 'delete']],
    ['given a token, deleted, given a token and deleted', ['get', 'delete', 'get', 'delete']],
  ] as const)('leaves nothing of a user who is %s', async (_name, steps) => {
    const { emulator } = system;
    emulator.switches.replicaLagInMs = 300 * timeScale;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    for (const step of steps) {
      const response = await system.call(step, step === 'get' ? '/api/token' : '/api/user', accessToken);
      expect([200, 201, 204]).toContain(response.status);
    }
    await settle(400 * timeScale);
    expect({ identities: emulator.identities(), mappings: emulator.mappings() }).toEqual({
      identities: [],
      mappings: [],
    });
  });

  it('leaves one identity to a user who is deleted and created again', async () => {
    const { emulator } = system;
    emulator.switches.replicaLagInMs = 300 * timeScale;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    await system.call('post', '/api/user', accessToken);
    await system.call('delete', '/api/user', accessToken);
    const again = await system.call('get', '/api/token', accessToken);
    expect(again.status).toBe(200);
    const id = again.body.user.communicationUserId as string;
    expect(emulator.identities().map((identity) => identity.id)).toEqual([id]);
    expect(emulator.mappings().map(({ extension }) => extension.acsUserIdentity)).toEqual([id]);
  });
});

it('one 404 from ACS does not replace an identity', async () => {
  const { emulator } = system;
  const accessToken = emulator.accessToken({ user: emulator.addUser() });
  const first = await system.call('get', '/api/token', accessToken);
  emulator.fail({
    operation: 'acs.token.issue',
    kind: 'status',
    status: 404,
    body: { error: { code: 'ResourceNotFound', message: 'The resource could not be found.' } },
  });
  const second = await system.call('get', '/api/token', accessToken);
  expect(second.body.user).toEqual(first.body.user);
});

it.each(['acs.token.issue', 'acs.teams.exchange', 'acs.identity.delete'])(
  'a truncated response of %s is retried',
  async (operation) => {
    const { emulator } = system;
    const accessToken = emulator.accessToken({ user: emulator.users.carol });
    await system.call('get', '/api/token', accessToken);
    emulator.fail({ operation, kind: 'cut' });
    const response =
      operation === 'acs.token.issue'
        ? await system.call('get', '/api/token', accessToken)
        : operation === 'acs.teams.exchange'
          ? await system
              .call('get', '/exchangeToken', accessToken)
              .set('teams-user-aad-token', emulator.teamsToken())
          : await system.call('delete', '/api/user', accessToken);
    expect([200, 204]).toContain(response.status);
  },
);

it('a Graph token that is about to expire is still used for the current request', async () => {
  const { emulator } = system;
  const accessToken = emulator.accessToken({ user: emulator.addUser(), lifetimeInSeconds: 60 });
  expect((await system.call('post', '/api/user', accessToken)).status).toBe(201);
  expect(emulator.callsTo('entra.token.on_behalf_of')).toBe(1);
});
