import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parse } from 'dotenv';
import { loadConfig } from '../../src/config/config';
import { manageUsersRole } from '../../src/authentication/manageUsersRole';
import { type FakeAz, graphAppId, startFakeAz, teamsAppId } from './fakeAz';

const script = join(__dirname, '..', '..', 'scripts', 'register-apps.sh');

const defaultSpaRedirectUris = [
  'http://localhost:5173/redirect.html',
  'http://localhost:5173/',
  'http://localhost:3000/docs/oauth2-redirect.html',
];

let folder: string;
let az: FakeAz;
async function openTenant(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'register-apps-'));
  az = await startFakeAz(folder);
}
async function closeTenant(): Promise<void> {
  await az.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Each test continues with the tenant of the previous one, since a run takes a while. */
describe('scripts/register-apps.sh, run several times', () => {
  let firstRun: Result;
  beforeAll(async () => {
    await openTenant();
    firstRun = await run();
  });
  afterAll(closeTenant);

  it('registers the API and its client, with references to each other', () => {
    expect(firstRun).toMatchObject({ code: 0 });
    const [server, client] = az.apps;
    const scopeId = server?.api.oauth2PermissionScopes?.[0]?.id;
    expect(az.apps).toMatchObject([
      {
        displayName: 'AuthServer',
        identifierUris: [`api://${server?.appId}`],
        api: {
          requestedAccessTokenVersion: 2,
          oauth2PermissionScopes: [{ value: 'access_as_user', type: 'User', isEnabled: true }],
          knownClientApplications: [client?.appId],
          preAuthorizedApplications: [{ appId: client?.appId, delegatedPermissionIds: [scopeId] }],
        },
        appRoles: [
          {
            id: expect.stringMatching(/^[0-9a-f-]{36}$/),
            value: manageUsersRole,
            allowedMemberTypes: ['User', 'Application'],
            isEnabled: true,
            displayName: expect.any(String),
            description: expect.any(String),
          },
        ],
        requiredResourceAccess: [
          { resourceAppId: graphAppId, resourceAccess: [{ id: 'graph-rw', type: 'Scope' }] },
        ],
      },
      {
        displayName: 'AuthClient',
        spa: { redirectUris: defaultSpaRedirectUris },
        web: { redirectUris: ['http://localhost'] },
        publicClient: { redirectUris: ['https://oauth.pstmn.io/v1/callback'] },
        requiredResourceAccess: [
          { resourceAppId: server?.appId, resourceAccess: [{ id: scopeId, type: 'Scope' }] },
          {
            resourceAppId: teamsAppId,
            resourceAccess: [
              { id: 'teams-calls', type: 'Scope' },
              { id: 'teams-chats', type: 'Scope' },
            ],
          },
        ],
      },
    ]);
    expect(az.servicePrincipals.map(({ appId }) => appId)).toEqual([
      graphAppId,
      server?.appId,
      teamsAppId,
      client?.appId,
    ]);
    expect(az.consented).toEqual([]);
  });

  it('allows the origin of each single-page app', async () => {
    expect((await readEnv()).CORS_ALLOWED_ORIGINS).toBe('http://localhost:5173');
  });

  it('changes nothing if the registrations are complete', async () => {
    const apps = structuredClone(az.apps);
    const settings = await readEnv();
    az.calls.length = 0;

    expect(await run()).toMatchObject({ code: 0 });

    expect(az.calls).toContainEqual(expect.stringMatching(/^ad app list /));
    expect(az.calls.filter((call) => !/^(account|cloud|ad app|ad sp) (show|list) /.test(call))).toEqual([]);
    expect(az.apps).toEqual(apps);
    expect(await readEnv()).toEqual(settings);
  });

  it('creates another secret with --new-secret, and adds a role that is missing', async () => {
    const [server] = az.apps;
    const auditor = { id: 'my-role', value: 'Auditor', allowedMemberTypes: ['User'] };
    if (server) server.appRoles = [auditor];
    await run('--new-secret');
    expect(server?.appRoles).toEqual([auditor, expect.objectContaining({ value: manageUsersRole })]);
    const secrets = az.secrets.get(server?.appId ?? '');
    expect(secrets).toHaveLength(2);
    expect((await readEnv()).AZURE_CLIENT_SECRET).toBe(secrets?.[1]);
  });

  it('grants consent for the tenant with --admin-consent', async () => {
    await run('--admin-consent');
    expect(az.consented).toEqual(['AuthServer', 'AuthClient']);
  });

  it('deletes nothing with --clean-up unless the prompt is answered with yes', async () => {
    expect(await run('--clean-up')).toMatchObject({
      code: 1,
      output: expect.stringContaining('nothing was'),
    });
    expect(az.apps).toHaveLength(2);
  });

  it('deletes both registrations with --clean-up --yes, and then there is nothing to delete', async () => {
    az.apps.push({ id: '9', appId: '9', displayName: 'Another', api: {} });
    expect(await run('--clean-up', '--yes')).toMatchObject({ code: 0 });
    expect(az.apps).toMatchObject([{ displayName: 'Another' }]);
    await rm(join(folder, '.env'));
    expect(await run('--clean-up', '--yes')).toMatchObject({
      code: 0,
      output: expect.stringContaining('nothing to delete'),
    });
  });
});

describe('scripts/register-apps.sh', () => {
  beforeEach(openTenant);
  afterEach(closeTenant);

  it('writes valid settings, readable by the owner only, and prints no secret', async () => {
    const { output } = await run('--spa-redirect', 'https://chat.contoso.example/signed-in');

    const [server, client] = az.apps;
    const [secret] = az.secrets.get(server?.appId ?? '') ?? [];
    const settings = await readEnv();
    expect(settings).toEqual({
      AZURE_TENANT_ID: az.tenantId,
      AZURE_CLIENT_ID: server?.appId,
      AZURE_CLIENT_SECRET: secret,
      COMMUNICATION_SERVICES_CONNECTION_STRING: '',
      IDENTITY_MAPPING_KEY: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      ALLOWED_CLIENT_IDS: client?.appId,
      CORS_ALLOWED_ORIGINS: 'https://chat.contoso.example',
    });
    const connection = 'endpoint=https://contoso.communication.azure.com/;accesskey=a2V5';
    const config = loadConfig({ ...settings, COMMUNICATION_SERVICES_CONNECTION_STRING: connection });
    expect(config.entra?.clientId).toBe(server?.appId);
    expect((await stat(join(folder, '.env'))).mode & 0o777).toBe(0o600);
    expect(output).toContain('Still to do: set COMMUNICATION_SERVICES_CONNECTION_STRING');
    expect(output).not.toContain(secret);
    expect(output).not.toContain(settings.IDENTITY_MAPPING_KEY);
  });

  it('adds missing parts to manual registrations, and removes nothing', async () => {
    const myScope = { id: 'my-scope', value: 'my_scope' };
    const myRole = { id: 'my-role', value: manageUsersRole, allowedMemberTypes: ['Application'] };
    const mine = { resourceAppId: graphAppId, resourceAccess: [{ id: 'by-hand', type: 'Scope' }] };
    az.apps.push(
      {
        id: 'o1',
        appId: 'a1',
        displayName: 'AuthServer',
        api: { oauth2PermissionScopes: [myScope] },
        appRoles: [myRole],
      },
      {
        id: 'o2',
        appId: 'a2',
        displayName: "Contoso's chat",
        api: {},
        spa: { redirectUris: ['https://chat.contoso.example'] },
        requiredResourceAccess: [mine],
      },
    );

    expect(await run('--client-name', "Contoso's chat", '--no-teams')).toMatchObject({ code: 0 });

    expect(az.apps).toMatchObject([
      {
        appId: 'a1',
        api: { oauth2PermissionScopes: [myScope, { value: 'access_as_user' }] },
        appRoles: [myRole],
      },
      {
        appId: 'a2',
        spa: { redirectUris: ['https://chat.contoso.example', ...defaultSpaRedirectUris] },
        requiredResourceAccess: [mine, { resourceAppId: 'a1' }],
      },
    ]);
  });

  it.each<[string, (text: string) => Buffer]>([
    ['', (text) => Buffer.from(text)],
    [' with a byte order mark', (text) => Buffer.from(`\ufeff${text}`)],
    [', in UTF-16, as Windows PowerShell writes it', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ])('keeps the mapping key and the other settings in the file%s', async (_name, encode) => {
    const before = 'IDENTITY_MAPPING_KEY=bWluZQ==\n# mine\nPORT=4000\n';
    await writeFile(join(folder, '.env'), encode(before));
    await run();
    expect((await readFile(join(folder, '.env'), 'utf8')).startsWith(before)).toBe(true);
  });

  it('creates no secret for a server with a managed identity, and lets the identity act as AuthServer', async () => {
    const principal = '33333333-0000-4000-8000-000000000003';
    const args = ['--no-secrets', '--no-graph', '--federated-credential', principal];
    expect(await run(...args)).toMatchObject({ code: 0 });
    expect(await run(...args)).toMatchObject({ code: 0 });

    const [server, client] = az.apps;
    expect(await readEnv()).toEqual({
      AZURE_TENANT_ID: az.tenantId,
      AZURE_CLIENT_ID: server?.appId,
      ALLOWED_CLIENT_IDS: client?.appId,
      CORS_ALLOWED_ORIGINS: 'http://localhost:5173',
    });
    expect(az.secrets.size).toBe(0);
    expect(server?.requiredResourceAccess).toBeUndefined();
    expect(az.federatedCredentials.get(server?.appId ?? '')).toEqual([
      {
        name: `managed-identity-${principal}`,
        issuer: `https://login.microsoftonline.com/${az.tenantId}/v2.0`,
        subject: principal,
        audiences: ['api://AzureADTokenExchange'],
      },
    ]);
  });

  it.each([
    ['AzureUSGovernment', 'api://AzureADTokenExchangeUSGov'],
    ['AzureChinaCloud', 'api://AzureADTokenExchangeChina'],
  ])('uses the audience of %s in a federated credential', async (name, audience) => {
    az.cloud = { ...az.cloud, name };
    await run('--federated-credential', '33333333-0000-4000-8000-000000000003');
    expect(az.federatedCredentials.get(az.apps[0]?.appId ?? '')).toMatchObject([{ audiences: [audience] }]);
  });

  it('lets the az CLI call with --azure-cli, also when the client is known already', async () => {
    await run();
    await run('--azure-cli');
    await run('--azure-cli');

    const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
    const [server, client] = az.apps;
    const scopeId = server?.api.oauth2PermissionScopes?.[0]?.id;
    expect(server?.api.preAuthorizedApplications).toEqual([
      { appId: client?.appId, delegatedPermissionIds: [scopeId] },
      { appId: azureCli, delegatedPermissionIds: [scopeId] },
    ]);
    expect(server?.api).toMatchObject({ knownClientApplications: [client?.appId] });
    expect((await readEnv()).ALLOWED_CLIENT_IDS).toBe(`${client?.appId},${azureCli}`);
  });

  it('adds the origin of a further single-page app to those that may call', async () => {
    await run();
    await run('--spa-redirect', 'https://chat.contoso.example/signed-in');
    expect((await readEnv()).CORS_ALLOWED_ORIGINS).toBe('http://localhost:5173,https://chat.contoso.example');
  });

  it('writes the hosts of a sovereign cloud', async () => {
    az.cloud = { ...az.cloud, 'endpoints.activeDirectory': 'https://login.microsoftonline.us' };
    await run();
    expect(await readEnv()).toMatchObject({
      AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us',
      GRAPH_ENDPOINT: 'https://graph.microsoft.com',
    });
  });

  it.each<[string, (az: FakeAz) => void, string, string[], RegExp]>([
    ['az is not signed in', (tenant) => void (tenant.signedIn = false), '', [], /az login/],
    [
      'two registrations have the same name',
      ({ apps }) => {
        apps.push({ id: '1', appId: '1', displayName: 'AuthServer', api: {} });
        apps.push({ id: '2', appId: '2', displayName: 'AuthServer', api: {} });
      },
      '',
      [],
      /several registrations named AuthServer/,
    ],
    [
      'the file belongs to the emulator',
      () => undefined,
      'AZURE_AUTHORITY_HOST=https://localhost:8443\n',
      [],
      /settings of the emulator/,
    ],
    [
      'the file names a registration of another tenant',
      () => undefined,
      'AZURE_CLIENT_ID=22222222-0000-4000-8000-000000000002\n',
      [],
      /does not exist in this tenant/,
    ],
    ['an option is misspelled', () => undefined, '', ['--admin-consnet'], /unknown option --admin-consnet/],
    ['an option has no value', () => undefined, '', ['--env'], /--env needs a value/],
    [
      'options exclude each other',
      () => undefined,
      '',
      ['--new-secret', '--no-secrets'],
      /exclude each other/,
    ],
    [
      'the principal is not an ID',
      () => undefined,
      '',
      ['--federated-credential', 'acs-auth-identity'],
      /principal \(object\) ID/,
    ],
  ])('stops before it changes anything when %s', async (_case, prepare, env, args, message) => {
    prepare(az);
    await writeFile(join(folder, '.env'), env);
    const apps = structuredClone(az.apps);

    const { code, output } = await run(...args);

    expect(code).not.toBe(0);
    expect(output).toMatch(message);
    expect(az.apps).toEqual(apps);
    expect(await readFile(join(folder, '.env'), 'utf8')).toBe(env);
  });
});

interface Result {
  code: number | null;
  output: string;
}

function run(...args: string[]): Promise<Result> {
  const env = { ...process.env, PATH: [folder, process.env.PATH ?? ''].join(delimiter) };
  return new Promise((resolve) => {
    const child = execFile('bash', [script, ...args], { cwd: folder, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, output: stdout + stderr }),
    );
    child.stdin?.end();
  });
}

async function readEnv(): Promise<Record<string, string>> {
  return parse(await readFile(join(folder, '.env')));
}
