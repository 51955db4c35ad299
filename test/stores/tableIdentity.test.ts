import { join } from 'node:path';
import { ensureCertificates } from '../../emulator/certificates/loopbackCertificates';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { type Azurite, azuriteStartTimeoutInMs, newTableName, startAzurite } from '../support/azurite';
import { expireForHeldCallsOnly, fastTimings, shortTimeoutTimings } from '../support/fastTimings';
import { startServer, type TestServer } from '../support/startSystem';

/** A server with no secret at all: tables and Communication Services by managed identity, and no call on behalf of users. */
let emulator: Emulator;
let azurite: Azurite;
const servers: TestServer[] = [];
const environment = { ...process.env };

beforeAll(async () => {
  const { authorityFile } = await ensureCertificates();
  const certificates = join(authorityFile, '..');
  [emulator, azurite] = await Promise.all([
    startEmulator(),
    startAzurite({
      tokensOverTls: {
        certificateFile: join(certificates, 'cert.pem'),
        keyFile: join(certificates, 'key.pem'),
      },
    }),
  ]);
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = emulator.managedIdentitySettings();
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
}, azuriteStartTimeoutInMs);
beforeEach(() => {
  emulator.reset();
  emulator.switches.managedIdentityTokenLifetimeInSeconds = 200;
  expireForHeldCallsOnly(emulator);
});
afterEach(() => jest.restoreAllMocks());
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
afterAll(async () => {
  process.env = environment;
  await emulator.stop();
  await azurite.stop();
});

async function start(): Promise<TestServer> {
  const server = await startServer(
    {
      AZURE_TENANT_ID: emulator.tenantId,
      AZURE_CLIENT_ID: emulator.authServer.clientId,
      AZURE_AUTHORITY_HOST: emulator.url,
      COMMUNICATION_SERVICES_ENDPOINT: emulator.url,
      IDENTITY_STORE: 'table',
      TABLES_ENDPOINT: azurite.endpoint,
      TABLES_NAME: newTableName(),
      TOKEN_REUSE_MINUTES: '0',
    },
    // Short time limits for upstream calls only.
    { ...shortTimeoutTimings, signingKeys: fastTimings.signingKeys },
  );
  servers.push(server);
  return server;
}

test('the whole API works without any secret', async () => {
  emulator.switches.accessKeysDisabled = true;
  emulator.applications.withdrawSecret('AuthServer');
  const server = await start();
  await server.ready();
  const alice = emulator.accessToken();

  const { body: created } = await server.call('post', '/api/user', alice).expect(201);
  const { body: token } = await server.call('get', '/getToken', alice).expect(200);
  expect(token).toMatchObject(created as object);
  await server.call('get', '/api/user', alice).expect(200);
  await server
    .call('get', '/exchangeToken', emulator.accessToken({ user: 'carol' }))
    .set('teams-user-aad-token', emulator.teamsToken())
    .expect(200);
  await server.call('delete', '/deleteUser', alice).expect(204);
  await server.call('get', '/api/user', alice).expect(404);

  expect(emulator.identities()).toEqual([]);
  expect(emulator.callsTo('entra.token')).toBe(0);
});

test.each([
  ['does not respond', { kind: 'hang' as const }, 504, 'upstream_timeout'],
  ['is down', { kind: 'drop' as const }, 503, 'upstream_unavailable'],
  ['throttles', { kind: 'status' as const, status: 429 }, 503, 'upstream_throttled'],
])('an identity endpoint that %s is a temporary outage', async (_name, fault, status, code) => {
  // From the start, so that the server is never ready: the SDKs keep a token until shortly before it expires.
  emulator.fail({ ...fault, operation: 'managedIdentity', times: Infinity });
  const server = await start();
  const call = () => server.call('get', '/getToken', emulator.accessToken({ user: emulator.addUser() }));
  const { body } = await call().expect(status);
  expect(body).toMatchObject({ error: { code } });

  emulator.reset();
  emulator.switches.managedIdentityTokenLifetimeInSeconds = 200;
  await call().expect(200);
});
