import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClientCertificate,
  createClientCertificate,
  type Emulator,
  type Fault,
  startEmulator,
} from '../../emulator/startEmulator';
import { expireForHeldCallsOnly, fastTimings, shortTimeoutTimings } from '../support/fastTimings';
import { startServer, type TestServer } from '../support/startSystem';
import { createTokenIssuer } from '../support/tokenIssuer';

/** The server without a client secret: the other credentials for Entra ID. */
let emulator: Emulator;
let folder: string;
let certificateFile: string;
let tokenFile: string;
let certificate: ClientCertificate;
let newer: ClientCertificate;
const cluster = createTokenIssuer();
const servers: TestServer[] = [];
const environment = { ...process.env };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-credential-'));
  certificateFile = join(folder, 'certificate.pem');
  tokenFile = join(folder, 'token');
  [emulator, certificate, newer] = await Promise.all([
    startEmulator(),
    createClientCertificate(),
    createClientCertificate(),
  ]);
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = emulator.managedIdentitySettings();
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
});
beforeEach(async () => {
  emulator.reset();
  // Entra ID accepts only the credential of the test.
  emulator.applications.withdrawSecret('AuthServer');
  emulator.switches.managedIdentityTokenLifetimeInSeconds = 200;
  await writeFile(certificateFile, pem(certificate));
  await writeFile(tokenFile, cluster.token());
});
afterEach(() => jest.restoreAllMocks());
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
afterAll(async () => {
  process.env = environment;
  await emulator.stop();
  await rm(folder, { recursive: true });
});

const pem = ({ privateKey, certificate: text }: ClientCertificate) => `${privateKey}\n${text}`;

async function start(settings: Record<string, string> = {}, timings = fastTimings): Promise<TestServer> {
  const server = await startServer(
    { ...emulator.settings(), AZURE_CLIENT_SECRET: '', TOKEN_REUSE_MINUTES: '0', ...settings },
    timings,
  );
  servers.push(server);
  await server.ready();
  return server;
}

/** Each call by a new user, so that nothing comes from a cache. */
const getToken = (server: TestServer) =>
  server.call('get', '/getToken', emulator.accessToken({ user: emulator.addUser() }));
const logged = (server: TestServer, message: RegExp) =>
  server.rawLog
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => message.test(String(line.message)));

function trustManagedIdentity(subject: string = emulator.managedIdentities.systemAssigned.objectId): void {
  emulator.applications.addFederatedCredential('AuthServer', {
    issuer: `${emulator.url}/${emulator.tenantId}/v2.0`,
    subject,
  });
}
function trustCluster(subject = cluster.subject): void {
  const { issuer, jwks } = cluster;
  emulator.applications.addFederatedCredential('AuthServer', { issuer, subject, jwks });
}

interface Way {
  settings: () => Record<string, string>;
  register: () => void;
}
const ways: Record<string, Way> = {
  'a certificate': {
    settings: () => ({ AZURE_CLIENT_CERTIFICATE_PATH: certificateFile }),
    register: () => void emulator.applications.addCertificate('AuthServer', certificate.certificate),
  },
  'the system-assigned managed identity': {
    settings: () => ({ AZURE_CLIENT_ASSERTION: 'managed_identity' }),
    register: trustManagedIdentity,
  },
  'a user-assigned managed identity': {
    settings: () => ({
      AZURE_CLIENT_ASSERTION: 'managed_identity',
      MANAGED_IDENTITY_CLIENT_ID: emulator.managedIdentities.userAssigned.clientId,
    }),
    register: () => trustManagedIdentity(emulator.managedIdentities.userAssigned.objectId),
  },
  "Kubernetes' workload identity": {
    settings: () => ({ AZURE_FEDERATED_TOKEN_FILE: tokenFile }),
    register: trustCluster,
  },
};
const noAccessKey = () => ({
  COMMUNICATION_SERVICES_CONNECTION_STRING: '',
  COMMUNICATION_SERVICES_ENDPOINT: emulator.url,
});

/** Calls every operation. */
async function expectWholeApi(server: TestServer): Promise<void> {
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
  expect(emulator.identities()).toEqual([]);
}

test.each(Object.entries(ways))('the whole API works with %s', async (_name, { settings, register }) => {
  register();
  await expectWholeApi(await start(settings()));
});

describe('the whole API works without any secret of a service', () => {
  beforeEach(() => {
    emulator.switches.accessKeysDisabled = true;
  });

  test('with the managed identity of the host', async () => {
    trustManagedIdentity();
    await expectWholeApi(await start({ AZURE_CLIENT_ASSERTION: 'managed_identity', ...noAccessKey() }));
  });

  test('on Kubernetes', async () => {
    trustCluster();
    const { clientId, servicePrincipalId } = emulator.authServer;
    emulator.switches.communicationRoleHolders = new Set([servicePrincipalId]);
    await expectWholeApi(
      await start({
        AZURE_FEDERATED_TOKEN_FILE: tokenFile,
        MANAGED_IDENTITY_CLIENT_ID: clientId,
        ...noAccessKey(),
      }),
    );
    expect(emulator.callsTo('managedIdentity')).toBe(0);
  });
});

describe('the identity on Kubernetes that calls Communication Services', () => {
  const settings = () => ({
    // With this store, no credential is needed for On-Behalf-Of.
    IDENTITY_STORE: 'acs',
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
    MANAGED_IDENTITY_CLIENT_ID: emulator.authServer.clientId,
    ...noAccessKey(),
  });

  test.each<[string, () => void, object]>([
    ['has no federated credential', () => undefined, { status: 502, code: 'upstream_refused' }],
    ['does not hold the role', () => trustCluster(), { status: 502, code: 'upstream_refused' }],
    [
      'is used during an outage of Entra ID',
      () => emulator.fail({ operation: 'entra.token', kind: 'status', status: 503, times: Infinity }),
      { status: 503, code: 'upstream_unavailable' },
    ],
    [
      'is throttled by Entra ID',
      () => emulator.fail({ operation: 'entra.token', kind: 'status', status: 429, times: Infinity }),
      { status: 503, code: 'upstream_throttled' },
    ],
    [
      'cannot reach Entra ID',
      () => emulator.fail({ operation: 'entra.token', kind: 'drop', times: Infinity }),
      { status: 503, code: 'upstream_unavailable' },
    ],
  ])('%s', async (_name, arrange, expected) => {
    emulator.switches.communicationRoleHolders = new Set();
    arrange();
    const { status, body } = await getToken(await start(settings()));
    expect({ status, ...(body as { error?: object }).error }).toMatchObject(expected);
  });
});

describe('a credential that is registered wrongly is the operator’s to correct:', () => {
  const rejected = /does not accept the credential of AuthServer/;

  test.each<[string, () => Promise<Record<string, string>>, () => object]>([
    [
      'a certificate that is not registered',
      () => Promise.resolve({ AZURE_CLIENT_CERTIFICATE_PATH: certificateFile }),
      () => ({ setting: 'AZURE_CLIENT_CERTIFICATE_PATH', thumbprint: certificate.sha1.toUpperCase() }),
    ],
    [
      'a certificate that has expired',
      async () => {
        const expired = await createClientCertificate({ notAfter: new Date(Date.now() - 60_000) });
        emulator.applications.addCertificate('AuthServer', expired.certificate);
        await writeFile(certificateFile, pem(expired));
        return { AZURE_CLIENT_CERTIFICATE_PATH: certificateFile };
      },
      () => ({ setting: 'AZURE_CLIENT_CERTIFICATE_PATH', expires: expect.any(String) }),
    ],
    [
      'no federated credential for the managed identity',
      () => {
        trustManagedIdentity('another identity');
        return Promise.resolve({ AZURE_CLIENT_ASSERTION: 'managed_identity' });
      },
      () => ({ subject: emulator.managedIdentities.systemAssigned.objectId }),
    ],
    [
      'no federated credential for the cluster',
      () => Promise.resolve({ AZURE_FEDERATED_TOKEN_FILE: tokenFile }),
      () => ({ issuer: cluster.issuer, subject: cluster.subject }),
    ],
  ])('%s', async (_name, arrange, credential) => {
    const server = await start(await arrange());

    const { body } = await getToken(server).expect(502);

    expect(body).toMatchObject({ error: { code: 'upstream_refused' } });
    expect(logged(server, rejected)).toEqual([
      expect.objectContaining({
        level: 'error',
        error: expect.stringMatching(/^invalid_client 70/) as unknown,
        credential: expect.objectContaining(credential()) as unknown,
      }),
    ]);
  });
});

describe('the certificate', () => {
  test.each([
    ['is half written', () => writeFile(certificateFile, pem(certificate).slice(0, 900))],
    ['has the key of another', () => writeFile(certificateFile, newer.privateKey + certificate.certificate)],
    ['is missing', () => rm(certificateFile)],
  ])('that was last usable stays in use if its file %s', async (_name, damageFile) => {
    ways['a certificate']?.register();
    const server = await start({ AZURE_CLIENT_CERTIFICATE_PATH: certificateFile });

    await damageFile();
    await getToken(server).expect(200);
    await getToken(server).expect(200);

    expect(logged(server, /its last content stays in use/)).toHaveLength(1);
    await writeFile(certificateFile, pem(certificate));
    await getToken(server).expect(200);
  });

  test.each([
    ['is missing', 'nowhere.pem', '', /ENOENT/],
    ['has no key', 'a.pem', () => certificate.certificate, /has no private key/],
    ['has no certificate', 'a.pem', () => certificate.privateKey, /has no certificate/],
    [
      'has the key of another',
      'a.pem',
      () => newer.privateKey + certificate.certificate,
      /does not belong to its certificate/,
    ],
  ])('stops the start if its file %s', async (_name, file, content, reason) => {
    const path = join(folder, file);
    if (typeof content === 'function') await writeFile(path, content());

    const starting = start({ AZURE_CLIENT_CERTIFICATE_PATH: path });

    await expect(starting).rejects.toThrow(reason);
    await expect(starting).rejects.toThrow(/^AZURE_CLIENT_CERTIFICATE_PATH cannot be used/);
  });

  test('is warned of before it expires', async () => {
    const soon = await createClientCertificate({ notAfter: new Date(Date.now() + 29 * 86_400_000) });
    emulator.applications.addCertificate('AuthServer', soon.certificate);
    await writeFile(certificateFile, pem(soon));

    const server = await start({ AZURE_CLIENT_CERTIFICATE_PATH: certificateFile });

    await getToken(server).expect(200);
    expect(logged(server, /expires soon/)).toMatchObject([{ level: 'warn' }]);
  });
});

describe("Kubernetes' token file", () => {
  beforeEach(() => trustCluster());

  test.each([
    ['is missing', () => rm(tokenFile)],
    ['has an expired token', () => writeFile(tokenFile, cluster.token(-1))],
    ['has no token', () => writeFile(tokenFile, 'not a token')],
  ])('that %s makes requests fail until there is a new token', async (_name, damageFile) => {
    await damageFile();
    const server = await start({ AZURE_FEDERATED_TOKEN_FILE: tokenFile });

    const { body, headers } = await getToken(server).expect(503);
    expect(body).toMatchObject({
      error: { code: 'upstream_unavailable', innererror: { upstream: 'Azure managed identity' } },
    });
    expect(headers['retry-after']).toMatch(/^\d+$/);

    await writeFile(tokenFile, `${cluster.token()}\n`);
    await getToken(server).expect(200);
  });

  test('that is missing for a while has no effect', async () => {
    const server = await start({ AZURE_FEDERATED_TOKEN_FILE: tokenFile });
    await getToken(server).expect(200);
    await rm(tokenFile);
    await getToken(server).expect(200);
  });
});

describe('the identity endpoint', () => {
  beforeEach(() => trustManagedIdentity());
  const settings = { AZURE_CLIENT_ASSERTION: 'managed_identity' };

  test.each<[string, Omit<Fault, 'operation'> & { kind: 'status' | 'drop'; status: number }, object]>([
    ['is unavailable once', { kind: 'status', status: 503 }, { status: 200 }],
    [
      'is unavailable',
      { kind: 'status', status: 500, times: Infinity },
      { status: 503, code: 'upstream_unavailable' },
    ],
    [
      'throttles',
      { kind: 'status', status: 429, times: Infinity },
      { status: 503, code: 'upstream_throttled' },
    ],
    [
      'loses the connection',
      { kind: 'drop', status: 0, times: Infinity },
      { status: 503, code: 'upstream_unavailable' },
    ],
    [
      'does not know the identity',
      { kind: 'status', status: 400, times: Infinity },
      { status: 502, code: 'upstream_refused' },
    ],
  ])('that %s', async (_name, fault, expected) => {
    const server = await start(settings);
    emulator.fail({ ...fault, operation: 'managedIdentity' });

    const { status, headers, body } = await getToken(server);

    expect({ status, ...(body as { error?: object }).error }).toMatchObject(expected);
    expect(headers['retry-after'] !== undefined).toBe(status === 503);
    if (status !== 200) {
      expect(body).toMatchObject({ error: { innererror: { upstream: 'Azure managed identity' } } });
      // Entra ID was not called.
      expect(emulator.callsTo('entra.token')).toBe(0);
    }
  });

  test('that does not respond delays requests only until it does', async () => {
    expireForHeldCallsOnly(emulator);
    const server = await start(settings, shortTimeoutTimings);
    emulator.fail({ operation: 'managedIdentity', kind: 'hang', times: 3 });

    const { body, headers } = await getToken(server).expect(504);
    expect(body).toMatchObject({ error: { code: 'upstream_timeout' } });
    expect(headers['retry-after']).toMatch(/^\d+$/);
    await getToken(server).expect(200);
  });

  test('that is slow is called once for many requests', async () => {
    emulator.switches.managedIdentityTokenLifetimeInSeconds = 3_600;
    // MSAL keeps the tokens of an identity for the whole process, so this test uses a separate identity.
    trustManagedIdentity(emulator.managedIdentities.withoutRole.objectId);
    const { clientId } = emulator.managedIdentities.withoutRole;
    const server = await start({ ...settings, MANAGED_IDENTITY_CLIENT_ID: clientId });
    emulator.delay('managedIdentity', 300);

    await Promise.all(Array.from({ length: 5 }, () => getToken(server).expect(200)));
    emulator.fail({ operation: 'managedIdentity', kind: 'status', status: 500, times: Infinity });
    await getToken(server).expect(200);

    expect(emulator.callsTo('managedIdentity')).toBe(1);
  });

  test('that fails is not noticed while the last token is valid', async () => {
    const server = await start(settings);
    await getToken(server).expect(200);
    emulator.fail({ operation: 'managedIdentity', kind: 'status', status: 500, times: Infinity });
    await getToken(server).expect(200);
  });
});

test('the endpoints of the managed identity are not mixed up with the credential of AuthServer', async () => {
  trustCluster();
  const settings = { AZURE_FEDERATED_TOKEN_FILE: tokenFile, ...noAccessKey() };
  await expect(start(settings)).rejects.toThrow('MANAGED_IDENTITY_CLIENT_ID');
});
