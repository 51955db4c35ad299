import type { Fault, FaultKind } from '../../emulator/http/faults';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { expireForHeldCallsOnly, fastTimings, shortTimeoutTimings } from '../support/fastTimings';
import { startServer, type TestServer } from '../support/startSystem';
import { until } from '../support/until';

/** The server as on App Service: no access key, only a managed identity. */
let emulator: Emulator;
const servers: TestServer[] = [];
const environment = { ...process.env };

beforeAll(async () => {
  emulator = await startEmulator();
  // App Service sets them for the process, which is where the SDK reads them.
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = emulator.managedIdentitySettings();
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER, AZURE_CLIENT_ID: emulator.tenantId });
});
beforeEach(() => {
  emulator.reset();
  // MSAL caches tokens for the whole process, but not one that expires this soon.
  emulator.switches.managedIdentityTokenLifetimeInSeconds = 200;
});
afterEach(() => jest.restoreAllMocks());
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
afterAll(async () => {
  process.env = environment;
  await emulator.stop();
});

async function start(settings: Record<string, string> = {}, timings = fastTimings): Promise<TestServer> {
  const server = await startServer({ ...emulator.managedIdentitySettings(), ...settings }, timings);
  servers.push(server);
  return server;
}

const getToken = (server: TestServer) => server.call('get', '/getToken', emulator.accessToken());
const clientIdOf = (key: keyof Emulator['managedIdentities']) => ({
  MANAGED_IDENTITY_CLIENT_ID: emulator.managedIdentities[key].clientId,
});

test.each(['systemAssigned', 'userAssigned'] as const)(
  'the whole API works with a managed identity: %s',
  async (key) => {
    // No other identity can do it.
    emulator.switches.communicationRoleHolders = new Set([emulator.managedIdentities[key].objectId]);
    emulator.switches.accessKeysDisabled = true;
    const server = await start(key === 'userAssigned' ? clientIdOf(key) : {});
    const alice = emulator.accessToken();

    const { body: created } = await server.call('post', '/api/user', alice).expect(201);
    const { body: token } = await server.call('get', '/getToken', alice).expect(200);
    expect(token).toMatchObject(created as object);
    await server
      .call('get', '/exchangeToken', emulator.accessToken({ user: 'carol' }))
      .set('teams-user-aad-token', emulator.teamsToken())
      .expect(200);
    await server.call('delete', '/deleteUser', alice).expect(204);

    expect(emulator.identities()).toEqual([]);
    expect(emulator.callsTo('managedIdentity.token')).toBe(1);
  },
);

describe('a managed identity that', () => {
  test.each([
    ['does not hold the role', () => clientIdOf('withoutRole')],
    ['is not assigned to the app', () => ({ MANAGED_IDENTITY_CLIENT_ID: emulator.tenantId })],
  ])('%s is the operator’s to correct', async (_name, settings) => {
    const { body } = await getToken(await start(settings())).expect(502);

    expect(body).toMatchObject({ error: { code: 'upstream_refused' } });
  });

  test.each<[string, FaultKind & Pick<Fault, 'times'>, object]>([
    ['is unavailable once', { kind: 'status', status: 503 }, { status: 200 }],
    ['fails once', { kind: 'status', status: 500 }, { status: 200 }],
    [
      'is unavailable',
      { kind: 'status', status: 500, times: Infinity },
      { status: 503, code: 'upstream_unavailable' },
    ],
    ['is unavailable once, without a body', { kind: 'status', status: 503, body: '' }, { status: 200 }],
    ['fails once, with an empty object', { kind: 'status', status: 500, body: {} }, { status: 200 }],
    [
      'is unavailable behind a proxy',
      { kind: 'status', status: 503, body: '<html>', times: Infinity },
      { status: 503, code: 'upstream_unavailable' },
    ],
    [
      'is throttled',
      { kind: 'status', status: 429, times: Infinity },
      { status: 503, code: 'upstream_throttled' },
    ],
    [
      'is throttled without a body',
      { kind: 'status', status: 429, body: '', times: Infinity },
      { status: 503, code: 'upstream_throttled' },
    ],
    [
      'is missing',
      { kind: 'status', status: 404, body: '', times: Infinity },
      { status: 502, code: 'upstream_refused' },
    ],
    [
      'loses the connection',
      { kind: 'drop', times: Infinity },
      { status: 503, code: 'upstream_unavailable' },
    ],
  ])('%s', async (_name, fault, expected) => {
    const server = await start();
    emulator.fail({ ...fault, operation: 'managedIdentity' });

    const { status, body } = await getToken(server);

    expect({ status, ...(body as { error?: object }).error }).toMatchObject(expected);
  });

  test('does not respond delays requests only until it does', async () => {
    const expired = expireForHeldCallsOnly(emulator);
    const server = await start({}, shortTimeoutTimings);
    emulator.fail({ operation: 'managedIdentity', kind: 'hang' });

    const { body } = await getToken(server).expect(504);
    expect(body).toMatchObject({ error: { code: 'upstream_timeout' } });
    // The request to the identity endpoint began within the attempt, and has the same time limit.
    await until(() => expired() === 2);
    emulator.clearFaults();
    await getToken(server).expect(200);
    expect(emulator.identities()).toHaveLength(1);
  });
});

test('AZURE_CLIENT_ID is never taken for the managed identity', () => {
  const federated = { AZURE_FEDERATED_TOKEN_FILE: '/var/run/secrets/token' };

  return expect(start(federated)).rejects.toThrow('MANAGED_IDENTITY_CLIENT_ID');
});
