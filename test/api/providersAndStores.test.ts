import { startStoreSystem, type StoreSystem } from '../stores/storeSystems';
import { azuriteStartTimeoutInMs } from '../support/azurite';
import { testProviders } from '../support/providers';
import type { TestServer } from '../support/startSystem';

/** Entra ID with each store: test/stores/api.test.ts. */
describe.each(['table', 'acs'] as const)('with the %s store', (store) => {
  let system: StoreSystem;
  beforeAll(async () => (system = await startStoreSystem(store)), azuriteStartTimeoutInMs);
  afterEach(() => system.emulator.reset());
  afterAll(() => system.stop());

  describe.each(testProviders)('a user of $kind', (provider) => {
    let server: TestServer;
    let other: TestServer;
    beforeAll(async () => {
      const settings = provider.settings(system.emulator);
      [server, other] = await Promise.all([system.startAnother(settings), system.startAnother(settings)]);
      await Promise.all([server.ready(), other.ready()]);
    });

    const newUser = () => {
      const user = system.emulator.addUser();
      // As from two sign-ins: the claims differ, the user is the same.
      return (session: number) =>
        provider.tenant(system.emulator).accessToken({ user, claims: { sub: user.objectId, session } });
    };

    it('gets a token, is found, and is deleted', async () => {
      const token = newUser();
      const first = await server.call('get', '/api/token', token(1));
      expect(first.status).toBe(200);
      const { user } = first.body as { user: { communicationUserId: string } };
      expect((await other.call('get', '/api/token', token(2))).body).toMatchObject({ user });
      expect((await other.call('get', '/api/user', token(2))).body).toEqual({ user });
      expect((await server.call('post', '/api/user', token(3))).status).toBe(200);
      expect((await other.call('delete', '/api/user', token(4))).status).toBe(204);
      expect((await server.call('get', '/api/user', token(5))).status).toBe(404);
      expect((await server.call('delete', '/deleteUser', token(5))).status).toBe(204);
      expect(system.emulator.identities()).toEqual([]);
    });

    it('is the same in upper case if the provider identifies users by GUIDs', async () => {
      const { objectId } = system.emulator.addUser();
      const identityOf = async (id: string) => {
        const claims = { oid: id, sub: id };
        const token = provider.tenant(system.emulator).accessToken({ claims });
        const { body } = await server.call('get', '/api/token', token);
        return (body as { user: { communicationUserId: string } }).user.communicationUserId;
      };
      const [upper, lower] = [await identityOf(objectId.toUpperCase()), await identityOf(objectId)];
      if (provider.kind === 'oidc') expect(upper).not.toBe(lower);
      else expect(upper).toBe(lower);
    });

    it('has one identity after several concurrent first calls to two servers', async () => {
      const token = newUser();
      const responses = await Promise.all(
        [1, 2, 3, 4, 5, 6].map((session) =>
          (session % 2 ? server : other).call('get', '/api/token', token(session)),
        ),
      );
      const ids = responses.map(({ body }) => (body as { user: { communicationUserId: string } }).user);
      expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
      expect(new Set(ids.map(({ communicationUserId }) => communicationUserId)).size).toBe(1);
      expect(system.emulator.identities().map(({ id }) => id)).toEqual([ids[0]?.communicationUserId]);
    });
  });

  it('users of several providers with the same object id have separate identities', async () => {
    const { emulator } = system;
    const { externalId, b2c } = emulator;
    const server = await system.startAnother({
      ...externalId.settings(),
      ...b2c.settings(),
      IDENTITY_PROVIDER: 'entra,external_id,b2c',
    });
    await server.ready();
    const user = emulator.addUser();
    const tokens = [emulator, externalId, b2c].map((issuer) => issuer.accessToken({ user }));
    const ids: string[] = [];
    for (const token of tokens) {
      const response = await server.call('post', '/api/user', token);
      ids.push((response.body as { user: { communicationUserId: string } }).user.communicationUserId);
    }
    expect(new Set(ids).size).toBe(3);
    expect((await server.call('delete', '/api/user', tokens[1])).status).toBe(204);
    expect(emulator.identities().map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  });
});
