import { azuriteStartTimeoutInMs } from '../support/azurite';
import { expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { fastTimings } from '../support/fastTimings';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';
import { until } from '../support/until';
import { newCaller, startStoreSystem, type StoreName, type StoreSystem } from '../stores/storeSystems';

const stores: StoreName[] = ['graph', 'table', 'acs', 'table_after_graph'];
const pathOf = (user: { objectId: string }) => `/api/users/${user.objectId}`;

/** Application permissions in Microsoft Graph. */
function grantToAuthServer({ emulator }: System, permissions: string[]): void {
  const { authServer, switches } = emulator;
  switches.graphApplicationPermissions = { [authServer.servicePrincipalId]: permissions };
}

async function newUserOf(system: System) {
  const { user, token } = newCaller(system);
  const { body } = await system.call('get', '/getToken', token).expect(200);
  return { user, token, id: body.user.communicationUserId as string };
}

describe.each(stores)('with the identity store %s, erasing', (store) => {
  let system: StoreSystem;
  beforeAll(async () => {
    system = await startStoreSystem(store);
    await until(async () => (await system.call('get', '/health/ready')).status === 200);
  }, azuriteStartTimeoutInMs);
  beforeEach(() => grantToAuthServer(system, ['User.ReadWrite.All']));
  afterEach(() => {
    system.emulator.reset();
    system.proxy?.clear();
  });
  afterAll(() => system.stop());

  const administrator = () => system.emulator.administratorToken();
  const existingIds = () => system.emulator.identities().map(({ id }) => id);
  const newUser = () => newUserOf(system);

  it('ends with neither identity nor mapping, on every server, and can be repeated', async () => {
    const { user, token, id } = await newUser();
    const other = await startReadyServer(system);
    expect((await other.call('get', pathOf(user), administrator()).expect(200)).body).toEqual({
      user: { communicationUserId: id },
    });
    await other.call('delete', pathOf(user), administrator()).expect(204);
    expect(existingIds()).not.toContain(id);
    expect(await system.mappedIds()).not.toContain(id);
    await other.call('get', pathOf(user), administrator()).expect(404);
    await other.call('delete', pathOf(user), administrator()).expect(204);
    await system.call('get', '/api/user', token).expect(404);
    const again = await system.call('get', '/getToken', token).expect(200);
    expect(again.body.user.communicationUserId).not.toBe(id);
  });

  it('clears the token that this server has cached', async () => {
    const reusing = await startReadyServer(system, { TOKEN_REUSE_MINUTES: '15' });
    const { user, token } = newCaller(system);
    const first = await reusing.call('get', '/getToken', token).expect(200);
    await reusing.call('delete', pathOf(user), administrator()).expect(204);
    const second = await reusing.call('get', '/getToken', token).expect(200);
    expect(second.body.user).not.toEqual(first.body.user);
  });

  it('and using concurrently ends with one identity, or none', async () => {
    const { user, token } = await newUser();
    const other = await startReadyServer(system);
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        index % 3 === 0
          ? other.call('delete', pathOf(user), administrator())
          : system.call('get', '/getToken', token),
      ),
    );
    expect(responses.filter(({ status }) => status >= 500).map(({ body }) => body as unknown)).toEqual([]);
    await other.call('delete', pathOf(user), administrator()).expect(204);
    await system.call('get', pathOf(user), administrator()).expect(404);
    await system.call('get', '/api/user', token).expect(404);
  });
});

const unsupported = {
  status: 501,
  code: 'not_supported_by_store',
  innererror: { code: 'graph_application_permission_missing' },
} as const;
const formerUser = { objectId: 'dead0000-0000-4000-8000-0000000000ff' };

describe('with mappings in Microsoft Graph', () => {
  let system: System;
  beforeAll(async () => {
    system = await startReadySystem();
  });
  afterEach(() => system.emulator.reset());
  afterAll(() => system.stop());

  it.each([
    ['reading', 'get', []],
    ['erasing', 'delete', []],
    ['erasing', 'delete', ['User.Read.All']],
  ] as const)(
    '%s is not supported (%s) with the application permissions %j',
    async (_what, method, granted) => {
      const { user, id } = await newUserOf(system);
      grantToAuthServer(system, [...granted]);
      const server = await startReadyServer(system);
      expectError(await server.call(method, pathOf(user), system.emulator.administratorToken()), unsupported);
      expect(system.emulator.identities().map((identity) => identity.id)).toContain(id);
      expect(system.emulator.mappings()).toEqual([
        expect.objectContaining({ extension: expect.objectContaining({ acsUserIdentity: id }) }),
      ]);
      expect(server.rawLog.join('')).not.toContain('request failed');
    },
  );

  it('all works with User.ReadWrite.All, and the application signs in once', async () => {
    grantToAuthServer(system, ['User.ReadWrite.All']);
    const users = [await newUserOf(system), await newUserOf(system)];
    const server = await startReadyServer(system);
    const token = system.emulator.administratorToken();
    const made = await callsDuring(system.emulator, async () => {
      for (const { user } of users) await server.call('get', pathOf(user), token).expect(200);
      for (const { user } of users) await server.call('delete', pathOf(user), token).expect(204);
    });
    expect(made['entra.token.client_credentials']).toBe(1);
    expect(made['entra.token.on_behalf_of']).toBeUndefined();
    expect(system.emulator.mappings()).toEqual([]);
  });

  it('an application token that Graph rejects is replaced', async () => {
    grantToAuthServer(system, ['User.ReadWrite.All']);
    const { user } = await newUserOf(system);
    const server = await startReadyServer(system);
    const token = system.emulator.administratorToken();
    await server.call('get', pathOf(user), token).expect(200);
    system.emulator.fail({ operation: 'graph.user.read', kind: 'status', status: 401 });
    await server.call('delete', pathOf(user), token).expect(204);
  });

  it('a credential that Entra ID does not accept is named in the log', async () => {
    const { user } = await newUserOf(system);
    const server = await startReadyServer(system, { AZURE_CLIENT_SECRET: 'not-the-secret' });
    await server.call('get', pathOf(user), system.emulator.administratorToken()).expect(502);
    const lines = server.rawLog.filter((line) =>
      line.includes('does not accept the credential of AuthServer'),
    );
    expect(lines).toHaveLength(1);
  });

  it('a timeout of the application token names the upstream', async () => {
    const { user } = await newUserOf(system);
    const server = await system.startAnother({}, { ...fastTimings, workInMs: 400 });
    await server.ready();
    system.emulator.fail({ operation: 'entra.token', kind: 'hang', times: Infinity });
    expectError(await server.call('get', pathOf(user), system.emulator.administratorToken()), {
      status: 504,
      code: 'upstream_timeout',
      innererror: { upstream: 'Microsoft Entra ID', operation: 'get token of the application' },
      retryAfter: 'some',
    });
  });

  it('a 403 that comes from a proxy is no missing permission', async () => {
    grantToAuthServer(system, ['User.ReadWrite.All']);
    const { user } = await newUserOf(system);
    const server = await startReadyServer(system);
    system.emulator.fail({
      operation: 'graph.user.read',
      kind: 'status',
      status: 403,
      body: '<html>Blocked',
    });
    const response = await server.call('get', pathOf(user), system.emulator.administratorToken());
    expect([response.status, response.body.error?.code]).toEqual([502, 'upstream_refused']);
  });

  it('a mapping that was modified is removed, and the identity that it names is kept', async () => {
    grantToAuthServer(system, ['User.ReadWrite.All']);
    const [victim, attacker] = [await newUserOf(system), await newUserOf(system)];
    const extensionName = 'com.contoso.identityMapping';
    system.emulator.setExtension(attacker.user.objectId, { extensionName, acsUserIdentity: victim.id });
    await system.call('delete', pathOf(attacker.user), system.emulator.administratorToken()).expect(204);
    expect(system.emulator.identities().map(({ id }) => id)).toContain(victim.id);
  });

  it('a user who is no longer in the directory cannot be erased, and the response says so', async () => {
    grantToAuthServer(system, ['User.ReadWrite.All']);
    for (const method of ['get', 'delete'] as const) {
      const response = await system.call(method, pathOf(formerUser), system.emulator.administratorToken());
      expectError(response, {
        status: 404,
        code: 'user_not_found',
        innererror: { code: 'no_such_entra_user' },
      });
    }
  });
});

describe('while users are moved from Microsoft Graph to a table', () => {
  let system: StoreSystem;
  beforeAll(async () => {
    system = await startStoreSystem('table_after_graph');
    await until(async () => (await system.call('get', '/health/ready')).status === 200);
  }, azuriteStartTimeoutInMs);
  afterEach(() => system.emulator.reset());
  afterAll(() => system.stop());

  it('nothing is erased as long as Graph cannot be searched', async () => {
    const { user, id } = await newUserOf(system);
    const token = system.emulator.administratorToken();
    expectError(await system.call('delete', pathOf(user), token), unsupported);
    const { body } = await system.call('get', pathOf(user), token).expect(200);
    expect(body).toEqual({ user: { communicationUserId: id } });
    grantToAuthServer(system, ['User.ReadWrite.All']);
    const server = await startReadyServer(system);
    await server.call('delete', pathOf(user), token).expect(204);
    expect(await system.mappedIds()).not.toContain(id);
  });

  it('a user who was not moved yet is erased in Graph', async () => {
    const previous = await system.startAnother({ IDENTITY_STORE: 'graph', IDENTITY_STORE_FALLBACK: '' });
    const { user, token } = newCaller(system);
    await previous.call('get', '/getToken', token).expect(200);
    grantToAuthServer(system, ['User.ReadWrite.All']);
    const server = await startReadyServer(system);
    await server.call('delete', pathOf(user), system.emulator.administratorToken()).expect(204);
    expect(system.emulator.mappings()).toEqual([]);
    expect(system.emulator.identities()).toEqual([]);
  });

  it('a user who is no longer in the directory is erased from the table', async () => {
    grantToAuthServer(system, ['User.ReadWrite.All']);
    const server = await startReadyServer(system);
    const token = system.emulator.administratorToken();
    await server.call('get', pathOf(formerUser), token).expect(404);
    await server.call('delete', pathOf(formerUser), token).expect(204);
  });
});
