import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { createClientCertificate, startEmulator, type Emulator } from '../../emulator/startEmulator';
import { type ClientParts, type Outcome } from './publicNameClients';

const root = join(__dirname, '..', '..');

const communicationEndpoint = 'https://contoso.unitedstates.communication.azure.com';

let emulator: Emulator;
let relay: Server;
let folder: string;
let outcomes: Record<string, Outcome>;

beforeAll(async () => {
  await mkdir(join(root, 'build'), { recursive: true });
  folder = await mkdtemp(join(root, 'build', 'public-names-'));
  emulator = await startEmulator({ publicNames: true, certificateFolder: join(folder, 'certificates') });
  relay = await startRelay(Number(new URL(emulator.url).port));
  outcomes = await runClients(await clientParts());
}, 120_000);
afterAll(async () => {
  relay.close();
  await emulator.stop();
  await rm(folder, { recursive: true });
});

/** The registration of the sample, with every kind of credential. */
async function clientParts(): Promise<ClientParts> {
  const { applications, authServer, tenantId } = emulator;
  applications.withdrawConsent('AuthServer', 'graph', ['User.ReadWrite']);
  applications.grantConsent('AuthServer', 'graph', ['User.ReadWrite.All']);
  const certificate = await createClientCertificate();
  applications.addCertificate('AuthServer', certificate.certificate);
  const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`;
  applications.addFederatedCredential('AuthServer', { issuer, subject: 'an-identity' });
  return {
    tenantId,
    ...certificate,
    clientId: authServer.clientId,
    clientSecret: authServer.clientSecret,
    federatedToken: emulator.appOnlyToken({
      publicName: true,
      claims: { aud: 'api://AzureADTokenExchange', sub: 'an-identity', roles: undefined },
    }),
    userToken: emulator.accessToken({ publicName: true }),
    teams: {
      token: emulator.teamsToken(),
      clientId: emulator.authClient.clientId,
      userObjectId: emulator.users.carol.objectId,
    },
    communicationEndpoint,
    connectionString: emulator.communicationResource.connectionString.replace(
      emulator.url,
      communicationEndpoint,
    ),
  };
}

const onBehalfOf = { aud: 'https://graph.microsoft.com', scp: 'openid profile User.Read User.ReadWrite.All' };
const appOnly = { aud: 'https://graph.microsoft.com', idtyp: 'app' };

describe('under the public names, without any setting of the client', () => {
  test.each([
    ['msal-node 1, secret', { ...onBehalfOf, appidacr: '1' }],
    ['msal-node 1, certificate', { ...onBehalfOf, appidacr: '2' }],
    ['msal-node, secret', { ...onBehalfOf, appidacr: '1' }],
    ['msal-node, certificate', { ...onBehalfOf, appidacr: '2' }],
    ['msal-node, federated', { ...onBehalfOf, appidacr: '2' }],
    ['identity, client secret', { ...appOnly, appidacr: '1' }],
    ['identity, client certificate', { ...appOnly, appidacr: '2' }],
    ['identity, client assertion', { ...appOnly, appidacr: '2' }],
    ['identity, managed identity', { aud: 'https://communication.azure.com', idtyp: 'app' }],
  ])('%s gets a token', (name, claims) => {
    expect(claimsOf(valueOf(name))).toMatchObject(claims);
  });

  test.each<[string, unknown]>([
    [
      'graph-client',
      {
        '@odata.context': expect.stringMatching(/^https:\/\/graph\.microsoft\.com\/v1\.0\/\$metadata#users/),
      },
    ],
    ['communication-identity, connection string', { communicationUserId: expect.stringMatching(/^8:acs:/) }],
    ['communication-identity, managed identity', { communicationUserId: expect.stringMatching(/^8:acs:/) }],
    ['another service’s operation', 501],
    ['control interface', 403],
    ['flow of the sample', { found: true, token: 3, teams: 3, gone: true }],
  ])('%s', (name, expected) => {
    expect(valueOf(name)).toEqual(
      typeof expected === 'object' ? expect.objectContaining(expected) : expected,
    );
  });

  test('the discovery documents are in terms of the name', () => {
    const tenant = `https://login.microsoftonline.com/${emulator.tenantId}`;
    expect(valueOf('discovery')).toMatchObject({
      issuer: `${tenant}/v2.0`,
      token_endpoint: `${tenant}/oauth2/v2.0/token`,
      jwks_uri: `${tenant}/discovery/v2.0/keys`,
      msgraph_host: 'graph.microsoft.com',
      cloud_instance_name: 'microsoftonline.com',
    });
    expect(valueOf('discovery under another name')).toMatchObject({
      issuer: `https://sts.windows.net/${emulator.tenantId}/`,
      token_endpoint: `https://login.windows.net/${emulator.tenantId}/oauth2/v2.0/token`,
    });
  });

  test('msal-node 1 asked for the instance first', () => {
    expect(emulator.callsTo('entra.instanceDiscovery')).toBeGreaterThan(0);
  });
});

describe('a certificate', () => {
  const subjects = async (port: number, servername: string, ca: string): Promise<string> =>
    await new Promise((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port, servername, ca }, () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? '');
        socket.destroy();
      });
      socket.on('error', (error) => resolve(error.message));
    });
  const portOf = ({ url }: Emulator): number => Number(new URL(url).port);

  test('for the public names is sent to clients that request them, and the loopback one to others', async () => {
    const port = portOf(emulator);
    const trusted = readFileSync(emulator.publicNames?.trustFile ?? '', 'utf8');

    expect(await subjects(port, 'graph.microsoft.com', trusted)).toContain('DNS:graph.microsoft.com');
    expect(await subjects(port, 'any.communication.azure.com', trusted)).toContain('communication.azure.com');
    expect(await subjects(port, 'localhost', trusted)).toMatch(/^DNS:localhost,/);
    const loopbackOnly = readFileSync(join(folder, 'certificates', 'ca.pem'), 'utf8');
    expect(await subjects(port, 'graph.microsoft.com', loopbackOnly)).not.toContain('DNS:');
  });

  test('for the public names exists only if they are enabled', async () => {
    const plain = await startEmulator({ certificateFolder: join(folder, 'certificates') });
    try {
      expect(plain.publicNames).toBeUndefined();
      const trusted = readFileSync(emulator.publicNames?.trustFile ?? '', 'utf8');
      expect(await subjects(portOf(plain), 'graph.microsoft.com', trusted)).toMatch(/does not match/);
    } finally {
      await plain.stop();
    }
  });
});

test.each(['0.0.0.0', '::', '192.0.2.1', 'emulator.example'])('never listens on %s', async (host) => {
  await expect(startEmulator({ host })).rejects.toThrow('loopback');
});

/** Passes bytes on, as a port relay does in front of the emulator. */
async function startRelay(target: number): Promise<Server> {
  const server = createServer((inbound) => {
    const outbound = connect(target, '127.0.0.1');
    const ignored = () => undefined;
    inbound.on('error', ignored).on('close', () => outbound.destroy());
    outbound.on('error', ignored).on('close', () => inbound.destroy());
    inbound.pipe(outbound).pipe(inbound);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function runClients(parts: ClientParts): Promise<Record<string, Outcome>> {
  await build({
    entryPoints: [join(__dirname, 'publicNameClients.ts'), join(root, 'test/support/redirectPublicNames.ts')],
    outdir: folder,
    outbase: join(root, 'test'),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...['--require', join(folder, 'support', 'redirectPublicNames.js')],
      ...[join(folder, 'emulator', 'publicNameClients.js'), JSON.stringify(parts)],
    ],
    {
      env: {
        PATH: process.env.PATH,
        ...identityEndpoint(),
        NODE_EXTRA_CA_CERTS: emulator.publicNames?.trustFile ?? '',
        PUBLIC_NAMES_PORT: String((relay.address() as AddressInfo).port),
      },
    },
  );
  return JSON.parse(stdout) as Record<string, Outcome>;
}

/** The environment variables of the identity endpoint, as on App Service. */
function identityEndpoint(): Record<string, string | undefined> {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = emulator.managedIdentitySettings();
  return { IDENTITY_ENDPOINT, IDENTITY_HEADER };
}

function valueOf(name: string): unknown {
  const outcome = outcomes[name];
  if (outcome && 'value' in outcome) return outcome.value;
  throw new Error(`${name}: ${outcome?.error ?? 'was not run'}`);
}

function claimsOf(token: unknown): unknown {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
}
