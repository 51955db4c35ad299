import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { fastTimings } from '../support/fastTimings';
import { startServer, type TestServer } from '../support/startSystem';

/** What AZURE_CLOUD changes in requests and responses. The emulator has the names of the public cloud only. */
let emulator: Emulator;
let server: TestServer | undefined;
/** App Service's identity endpoint, which issues no token and records the requested resources. */
let identityEndpoint: Server;
const resources: (string | null)[] = [];
const environment = { ...process.env };

beforeAll(async () => {
  emulator = await startEmulator();
  identityEndpoint = createServer(({ url = '' }, response) => {
    resources.push(new URL(url, 'http://localhost').searchParams.get('resource'));
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"statusCode":400}');
  }).listen(0, '127.0.0.1');
  await once(identityEndpoint, 'listening');
  const { port } = identityEndpoint.address() as AddressInfo;
  Object.assign(process.env, {
    IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/msi/token`,
    IDENTITY_HEADER: 'any',
  });
});
beforeEach(() => emulator.reset());
afterEach(() => server?.stop());
afterAll(async () => {
  process.env = environment;
  identityEndpoint.closeAllConnections();
  identityEndpoint.close();
  await emulator.stop();
});

async function start(settings: Record<string, string>): Promise<TestServer> {
  server = await startServer(
    { ...emulator.settings(), AZURE_CLOUD: 'usgovernment', ...settings },
    fastTimings,
  );
  await server.ready();
  return server;
}

test('a Teams token of another cloud is refused, with the scopes of this one', async () => {
  const { body } = await (
    await start({})
  )
    .call('get', '/exchangeToken', emulator.accessToken({ user: 'carol' }))
    .set('teams-user-aad-token', emulator.teamsToken())
    .expect(400);
  expect(body).toMatchObject({
    error: {
      code: 'teams_token_wrong_audience',
      message: expect.stringContaining(
        'https://auth.msft.communication.azure.us/Teams.ManageCalls',
      ) as unknown,
    },
  });
});

test.each([
  [
    'Communication Services',
    'https://communication.azure.us',
    { COMMUNICATION_SERVICES_CONNECTION_STRING: '' },
  ],
  [
    'the token exchange',
    'api://AzureADTokenExchangeUSGov',
    { AZURE_CLIENT_SECRET: '', AZURE_CLIENT_ASSERTION: 'managed_identity' },
  ],
])('the managed identity’s token for %s is of this cloud', async (_name, resource, settings) => {
  const endpoint =
    'COMMUNICATION_SERVICES_CONNECTION_STRING' in settings
      ? { COMMUNICATION_SERVICES_ENDPOINT: emulator.url }
      : {};
  const one = await start({ ...settings, ...endpoint });

  await one.call('get', '/getToken', emulator.accessToken()).expect(502);

  expect(resources).toContain(resource);
});
