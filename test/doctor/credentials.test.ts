import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClientCertificate,
  createClientCertificate,
  type Emulator,
  startEmulator,
} from '../../emulator/startEmulator';
import type { FaultKind } from '../../emulator/http/faults';
import { loadConfig } from '../../src/config/config';
import { createCloudCheck } from '../../src/doctor/checks/clouds';
import { createTokenIssuer } from '../support/tokenIssuer';
import { diagnose } from './diagnose';

/** The doctor's findings for each credential of AuthServer. */
let emulator: Emulator;
let folder: string;
let file: string;
let certificate: ClientCertificate;
const cluster = createTokenIssuer();
const environment = { ...process.env };
const dayInMs = 86_400_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  file = join(folder, 'credential');
  [emulator, certificate] = await Promise.all([startEmulator(), createClientCertificate()]);
});
beforeEach(() => {
  emulator.reset();
  emulator.applications.withdrawSecret('AuthServer');
  // MSAL caches tokens for the whole process, but not one that expires this soon.
  emulator.switches.managedIdentityTokenLifetimeInSeconds = 200;
  process.env = { ...environment };
});
afterAll(async () => {
  process.env = environment;
  await emulator.stop();
  await rm(folder, { recursive: true });
});

const pem = ({ privateKey, certificate: text }: ClientCertificate) => `${privateKey}\n${text}`;
const register = ({ certificate: text }: ClientCertificate) =>
  emulator.applications.addCertificate('AuthServer', text);
const withCertificate = () => ({ AZURE_CLIENT_SECRET: '', AZURE_CLIENT_CERTIFICATE_PATH: file });
const withManagedIdentity = () => ({ AZURE_CLIENT_SECRET: '', AZURE_CLIENT_ASSERTION: 'managed_identity' });
const withTokenFile = () => ({ AZURE_CLIENT_SECRET: '', AZURE_FEDERATED_TOKEN_FILE: file });

function onAzure(): void {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = emulator.managedIdentitySettings();
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
}
const issuer = () => `${emulator.url}/${emulator.tenantId}/v2.0`;
const identity = () => emulator.managedIdentities.systemAssigned.objectId;

interface Case {
  name: string;
  arrange: () => void | Promise<void>;
  settings: () => Record<string, string>;
  now?: () => number;
  line: RegExp;
  exitCode: 0 | 1;
}

const certificates: Case[] = [
  {
    name: 'a certificate that is registered',
    arrange: async () => {
      await writeFile(file, pem(certificate));
      register(certificate);
    },
    settings: withCertificate,
    line: /^ok client certificate: Microsoft Entra ID accepts it$/,
    exitCode: 0,
  },
  {
    name: 'a certificate that expires soon',
    arrange: async () => {
      await writeFile(file, pem(certificate));
      register(certificate);
    },
    settings: withCertificate,
    now: () => Date.now() + 340 * dayInMs,
    line: /^warning client certificate: the certificate [0-9A-F]{40} expires in 2[45] days, on [\d-]+ -> Create a new certificate, register it in addition to the old one/,
    exitCode: 1,
  },
  {
    name: 'a certificate that has expired',
    arrange: async () => {
      const expired = await createClientCertificate({ notAfter: new Date(Date.now() - dayInMs) });
      await writeFile(file, pem(expired));
      register(expired);
    },
    settings: withCertificate,
    line: /^problem client certificate: the certificate [0-9A-F]{40} expired on /,
    exitCode: 1,
  },
  {
    name: 'a certificate that is not registered',
    arrange: () => writeFile(file, pem(certificate)),
    settings: withCertificate,
    line: /^problem client certificate: the certificate with the thumbprint [0-9A-F]{40} is not registered .*\(AADSTS700027\) -> Upload it, without its private key/,
    exitCode: 1,
  },
  {
    name: 'a certificate with the key of another',
    arrange: async () => {
      const other = await createClientCertificate();
      await writeFile(file, other.privateKey + certificate.certificate);
    },
    settings: withCertificate,
    line: /^problem client certificate: .*its private key does not belong to its certificate -> It must be a PEM file/,
    exitCode: 1,
  },
  {
    name: 'a certificate file that does not exist',
    arrange: () => rm(file, { force: true }),
    settings: withCertificate,
    line: /^problem client certificate: .*ENOENT/,
    exitCode: 1,
  },
];

const assertions: Case[] = [
  {
    name: 'a managed identity that is registered',
    arrange: () => {
      onAzure();
      emulator.applications.addFederatedCredential('AuthServer', { issuer: issuer(), subject: identity() });
    },
    settings: withManagedIdentity,
    line: /^ok client assertion: Microsoft Entra ID accepts it$/,
    exitCode: 0,
  },
  {
    name: 'a managed identity without any federated credential',
    arrange: onAzure,
    settings: withManagedIdentity,
    line: /^problem client assertion: .*no federated credential for this assertion \(AADSTS70021\): issuer https:\S+\/v2\.0, subject 515a0000\S+, audience api:\/\/AzureADTokenExchange -> .*az ad app federated-credential create .*"subject":"515a0000/,
    exitCode: 1,
  },
  {
    name: 'a managed identity with the federated credential of another subject',
    arrange: () => {
      onAzure();
      emulator.applications.addFederatedCredential('AuthServer', { issuer: issuer(), subject: 'another' });
    },
    settings: withManagedIdentity,
    line: /^problem client assertion: .*AADSTS700213.*subject 515a0000/,
    exitCode: 1,
  },
  {
    name: 'a managed identity that is not assigned to the app',
    arrange: onAzure,
    settings: () => ({ ...withManagedIdentity(), MANAGED_IDENTITY_CLIENT_ID: emulator.tenantId }),
    line: /^problem client assertion: Azure issues no token for the managed identity \(HTTP 400\) -> Turn on the system-assigned identity/,
    exitCode: 1,
  },
  {
    name: 'a token of Kubernetes that is registered',
    arrange: async () => {
      await writeFile(file, cluster.token());
      const { issuer: from, subject, jwks } = cluster;
      emulator.applications.addFederatedCredential('AuthServer', { issuer: from, subject, jwks });
    },
    settings: withTokenFile,
    line: /^ok client assertion: Microsoft Entra ID accepts it$/,
    exitCode: 0,
  },
  {
    name: 'a token of Kubernetes whose issuer is not registered',
    arrange: async () => {
      await writeFile(file, cluster.token());
      emulator.applications.addFederatedCredential('AuthServer', { issuer: issuer(), subject: identity() });
    },
    settings: withTokenFile,
    line: /^problem client assertion: .*AADSTS700211.*issuer https:\/\/cluster\.example, subject system:serviceaccount/,
    exitCode: 1,
  },
  {
    name: 'a token of Kubernetes whose issuer has other keys',
    arrange: async () => {
      await writeFile(file, cluster.token());
      const { issuer: from, subject } = cluster;
      const { jwks } = createTokenIssuer();
      emulator.applications.addFederatedCredential('AuthServer', { issuer: from, subject, jwks });
    },
    settings: withTokenFile,
    line: /^problem client assertion: .*cannot verify the signature of the assertion from https:\/\/cluster\.example/,
    exitCode: 1,
  },
  {
    name: 'a token file of Kubernetes that does not exist',
    arrange: () => rm(file, { force: true }),
    settings: withTokenFile,
    line: /^problem client assertion: .*no token that is still valid -> The webhook/,
    exitCode: 1,
  },
];

test.each([...certificates, ...assertions])('$name', async ({ arrange, settings, now, line, exitCode }) => {
  await arrange();
  const result = await diagnose(emulator, { settings: settings(), ...(now ? { now } : {}) });
  const name = 'AZURE_CLIENT_CERTIFICATE_PATH' in settings() ? 'client certificate' : 'client assertion';
  expect(result.line(name)).toMatch(line);
  expect(result.exitCode).toBe(exitCode);
});

test.each<[string, number, RegExp | undefined, 0 | 1, readonly string[]]>([
  [
    'soon',
    12,
    /^warning expiry of the client secret: the secret [0-9a-f-]{36} expires in 12 days, on /,
    0,
    ['Application.Read.All'],
  ],
  [
    'in a year',
    365,
    /^ok expiry of the client secret: the secret [0-9a-f-]{36} expires in 365 days, on /,
    0,
    ['Application.Read.All'],
  ],
  ['and Graph does not let it be read', 12, undefined, 0, []],
])('a secret that expires %s', async (_when, days, line, exitCode, permissions) => {
  const secret = 'Zq7-secret-of-this-test-only';
  const expires = new Date(Date.now() + days * dayInMs + dayInMs / 2);
  emulator.applications.addSecret('AuthServer', secret, expires);
  emulator.switches.graphApplicationPermissions = { [emulator.authServer.servicePrincipalId]: permissions };
  const result = await diagnose(emulator, { settings: { AZURE_CLIENT_SECRET: secret } });
  const found = result.line('expiry of the client secret');
  if (line) expect(found).toMatch(line);
  else expect(found).toBeUndefined();
  expect(result.output).not.toContain('Zq7');
  expect(result.line('application permissions')).toMatch(/^ok /);
  expect(result.exitCode).toBe(exitCode);
});

test.each([
  ['by the clock of Entra ID', -3, 0, 'client secret', /has expired \(AADSTS7000222\) -> /],
  ['by this clock only', 1, 2, 'expiry of the client secret', /the secret [0-9a-f-]{36} expired on /],
])('a secret that has expired %s', async (_whose, days, daysAhead, check, says) => {
  const secret = 'Zq7-secret-of-this-test-only';
  emulator.applications.addSecret('AuthServer', secret, new Date(Date.now() + days * dayInMs));
  emulator.switches.graphApplicationPermissions = {
    [emulator.authServer.servicePrincipalId]: ['Application.Read.All'],
  };
  const now = () => Date.now() + daysAhead * dayInMs;
  const result = await diagnose(emulator, { settings: { AZURE_CLIENT_SECRET: secret }, now });
  expect(result.line(check)).toMatch(/^problem /);
  expect(result.line(check)).toMatch(says);
  expect(result.exitCode).toBe(1);
});

test.each<[string, FaultKind, string]>([
  ['does not respond', { kind: 'drop' }, 'no usable response from Microsoft Graph'],
  ['refuses it', { kind: 'status', status: 403 }, 'Microsoft Graph returned HTTP 403'],
  ['responds with a page', { kind: 'garbage' }, 'Microsoft Graph returned an invalid response'],
  [
    'responds with something else',
    { kind: 'malformed', body: '{"value":[{}]}' },
    'Microsoft Graph returned an invalid response',
  ],
])('the expiry of a secret is not checked if Graph %s', async (_how, fault, reason) => {
  const secret = 'Zq7-secret-of-this-test-only';
  emulator.applications.addSecret('AuthServer', secret, new Date(Date.now() + 365 * dayInMs));
  emulator.switches.graphApplicationPermissions = {
    [emulator.authServer.servicePrincipalId]: ['Application.Read.All'],
  };
  emulator.fail({ operation: 'graph.application.list', ...fault });
  const result = await diagnose(emulator, { settings: { AZURE_CLIENT_SECRET: secret } });
  expect(result.line('expiry of the client secret')).toBe(`skipped expiry of the client secret: ${reason}`);
  expect(result.exitCode).toBe(0);
});

test('a managed identity that is not assigned to the app is not reported as a failure of the table', async () => {
  onAzure();
  const settings = {
    IDENTITY_STORE: 'table',
    TABLES_ENDPOINT: 'https://localhost:1',
    MANAGED_IDENTITY_CLIENT_ID: emulator.tenantId,
  };
  const { line, exitCode } = await diagnose(emulator, { settings });
  expect(line('identity store: table')).toMatch(
    /^problem .*: Azure issues no token for the managed identity \(HTTP 400\) -> Turn on/,
  );
  expect(exitCode).toBe(1);
});

test('a workload identity that is not registered is not reported as a failure of the table', async () => {
  await writeFile(file, cluster.token());
  const { line } = await diagnose(emulator, {
    settings: {
      ...withTokenFile(),
      IDENTITY_STORE: 'table',
      TABLES_ENDPOINT: 'https://localhost:1',
      MANAGED_IDENTITY_CLIENT_ID: emulator.authServer.clientId,
    },
  });
  expect(line('identity store: table')).toMatch(
    /^problem .*: Microsoft Entra ID issues no token for the workload identity \(.+\) -> Compare the federated credential/,
  );
});

test('two credentials are rejected', async () => {
  const result = await diagnose(emulator, { settings: { AZURE_CLIENT_ASSERTION: 'managed_identity' } });
  expect(result.line('settings')).toMatch(
    /^problem settings: AZURE_CLIENT_SECRET and AZURE_CLIENT_ASSERTION are set, but only one/,
  );
});

test('the On-Behalf-Of exchange is tried with whichever credential is set', async () => {
  await writeFile(file, pem(certificate));
  register(certificate);
  const result = await diagnose(emulator, {
    settings: withCertificate(),
    args: ['--token', emulator.accessToken()],
  });
  expect(result.line('delegated permission User.ReadWrite')).toMatch(/^ok .*consented/);
});

describe('the cloud', () => {
  const key = Buffer.alloc(32, 'mapping key').toString('base64');
  const minimal = {
    AZURE_TENANT_ID: '7e4a0000-0000-4000-8000-000000000001',
    AZURE_CLIENT_ID: 'a9150000-0000-4000-8000-000000000002',
    AZURE_CLIENT_ASSERTION: 'managed_identity',
    IDENTITY_MAPPING_KEY: key,
  };
  const withKey = {
    COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://contoso.communication.azure.com/;accesskey=${key}`,
  };
  const withIdentity = { COMMUNICATION_SERVICES_ENDPOINT: 'https://contoso.communication.azure.com' };
  const problemAt = (message: RegExp) => ({ status: 'problem', message: expect.stringMatching(message) });

  // Directly: the doctor would call the services.
  test.each<[string, Record<string, string>, object]>([
    ['that all services are in', withKey, { status: 'ok' }],
    [
      'of an emulator',
      {
        AZURE_AUTHORITY_HOST: 'https://localhost:8443',
        GRAPH_ENDPOINT: 'https://localhost:8443',
        COMMUNICATION_SERVICES_ENDPOINT: 'https://localhost:8443',
      },
      { status: 'ok' },
    ],
    [
      'that Graph is not in',
      { ...withKey, GRAPH_ENDPOINT: 'https://graph.microsoft.us' },
      problemAt(/^GRAPH_ENDPOINT is in the cloud usgovernment, but the tenant is in public$/),
    ],
    [
      'that the sign-in host is not in',
      { ...withKey, AZURE_CLOUD: 'public', AZURE_AUTHORITY_HOST: 'https://login.chinacloudapi.cn' },
      problemAt(/^AZURE_AUTHORITY_HOST is in the cloud china, but the tenant is in public$/),
    ],
    [
      'that a further tenant is not in, whose users only cannot exchange Teams tokens',
      {
        ...withKey,
        IDENTITY_STORE: 'acs',
        IDENTITY_PROVIDER: 'entra,entra:partner',
        AZURE_TENANT_ID__PARTNER: '7e4a0000-0000-4000-8000-000000000009',
        AZURE_CLIENT_ID__PARTNER: 'a9150000-0000-4000-8000-000000000009',
        AZURE_AUTHORITY_HOST__PARTNER: 'https://login.microsoftonline.us',
      },
      {
        status: 'warning',
        message: expect.stringMatching(
          /^AZURE_AUTHORITY_HOST__PARTNER is in the cloud usgovernment.*: Teams tokens of its users cannot be exchanged$/,
        ) as unknown,
      },
    ],
    [
      'that an OpenID Connect provider is not in, whose users are served like all others',
      {
        ...withKey,
        IDENTITY_STORE: 'acs',
        IDENTITY_PROVIDER: 'entra,oidc',
        OIDC_ISSUER: 'https://login.partner.microsoftonline.cn/contoso/v2.0',
        OIDC_AUDIENCE: 'api',
      },
      { status: 'ok' },
    ],
    [
      'that Communication Services is not in, with a managed identity',
      { ...withIdentity, AZURE_CLOUD: 'usgovernment' },
      problemAt(/^the Communication Services resource is in the cloud public, but/),
    ],
    [
      'that Communication Services is not in, with a key',
      { ...withKey, AZURE_CLOUD: 'china' },
      {
        status: 'warning',
        message: expect.stringMatching(/data of its users leaves their cloud/) as unknown,
      },
    ],
  ])('%s', async (_name, settings, result) => {
    const results = [await createCloudCheck(loadConfig({ ...minimal, ...settings })).run()].flat();
    expect(results).toEqual([expect.objectContaining(result)]);
  });
});
