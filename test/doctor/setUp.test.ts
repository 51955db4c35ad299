import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';
import { diagnose, runForPeople } from './diagnose';

let system: System;
let emulator: Emulator;
// Ready, so that its server starts no timer while those of the doctor are counted.
beforeAll(async () => ({ emulator } = system = await startReadySystem()));
afterEach(() => emulator.reset());
afterAll(() => system.stop());

const otherId = '0de20000-0000-4000-8000-0000000000aa';
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a good setup', () => {
  it('passes every check except the one that needs a user, and creates nothing', async () => {
    // An emulator without a server, whose calls would be counted too.
    const emulator = await startEmulator();
    const { exitCode, lines, output } = await diagnose(emulator);
    await emulator.stop();
    expect({ exitCode, others: lines.filter((line) => !line.startsWith('ok ')) }).toEqual({
      exitCode: 0,
      others: [
        expect.stringMatching(/^skipped {2}delegated permission User\.ReadWrite: .*doctor -- --token -/),
        'No problem, 1 not checked.',
      ],
    });
    expect(emulator.identities()).toEqual([]);
    expect(emulator.mappings()).toEqual([]);
    expect(emulator.calls()).toEqual({
      'entra.discovery': 4,
      'entra.keys': 1,
      'entra.token.client_credentials': 1,
      'graph.me': 1,
      'acs.token.issue': 1,
    });
    expect(output).not.toContain('\u001b');
  });
});

interface BrokenSetUp {
  name: string;
  settings?: (emulator: Emulator) => Record<string, string>;
  arrange?: (emulator: Emulator) => void;
  callTimeLimitInMs?: number;
  check: string;
  says: RegExp;
  skips?: string[];
}

const broken: BrokenSetUp[] = [
  {
    name: 'a setting is missing',
    settings: () => ({ AZURE_CLIENT_SECRET: '' }),
    check: 'settings',
    says: /AZURE_CLIENT_SECRET is missing: .* -> Where to find it: .* Or set AZURE_CLIENT_CERTIFICATE_PATH/,
    skips: ['client secret', 'application permissions'],
  },
  {
    name: 'the connection string is malformed',
    settings: () => ({ COMMUNICATION_SERVICES_CONNECTION_STRING: 'accesskey=abcdefghijklmnop' }),
    check: 'settings',
    says: /COMMUNICATION_SERVICES_CONNECTION_STRING is malformed/,
    skips: ['Communication Services', 'cloud'],
  },
  {
    name: 'the client secret is wrong',
    settings: () => ({ AZURE_CLIENT_SECRET: 'not-the-secret' }),
    check: 'client secret',
    says: /AZURE_CLIENT_SECRET is not a client secret of the application in AZURE_CLIENT_ID \(AADSTS7000215\) -> .*copied instead of its value, or AZURE_CLIENT_ID is another application. Create a new secret/,
    skips: ['application permissions'],
  },
  {
    name: 'the client secret has expired',
    arrange: (emulator) =>
      emulator.fail({
        operation: 'entra.token.client_credentials',
        kind: 'status',
        status: 401,
        body: {
          error: 'invalid_client',
          error_codes: [7000222],
          error_description: 'AADSTS7000222: expired',
        },
      }),
    check: 'client secret',
    says: /has expired \(AADSTS7000222\) -> Create a new one/,
  },
  {
    name: 'Entra returns an error that the doctor does not know',
    arrange: (emulator) =>
      emulator.fail({
        operation: 'entra.token.client_credentials',
        kind: 'status',
        status: 400,
        body: {
          error: 'invalid_request',
          error_codes: [90099],
          error_description: 'AADSTS90099: unknown',
        },
      }),
    check: 'client secret',
    says: /rejected the request \(HTTP 400, invalid_request, AADSTS90099\) -> Microsoft explains it at https:\/\/localhost:\d+\/error\?code=90099$/,
  },
  {
    name: 'the client id belongs to no application',
    settings: () => ({ AZURE_CLIENT_ID: otherId }),
    check: 'client secret',
    says: /no application with the id in AZURE_CLIENT_ID \(AADSTS700016\)/,
  },
  {
    name: 'the tenant does not exist',
    settings: () => ({ AZURE_TENANT_ID: otherId }),
    check: 'Entra metadata v2',
    says: /no tenant with the id in AZURE_TENANT_ID \(AADSTS90002\)/,
    skips: ['Entra metadata v1', 'Entra signing keys', 'client secret', 'application permissions'],
  },
  {
    name: 'nothing listens at the authority',
    settings: () => ({ AZURE_AUTHORITY_HOST: 'https://localhost:1' }),
    check: 'Entra metadata v2',
    says: /nothing listens at localhost:1 -> Check AZURE_AUTHORITY_HOST/,
    skips: ['Entra metadata v1', 'Entra signing keys', 'client secret'],
  },
  {
    name: 'the authority does not respond',
    arrange: (emulator) => emulator.fail({ operation: 'entra.discovery', kind: 'hang' }),
    callTimeLimitInMs: 500,
    check: 'Entra metadata v2',
    says: /did not respond within \d+ s -> Check for a firewall/,
    skips: ['Entra signing keys'],
  },
  {
    name: 'the authority returns an error',
    arrange: (emulator) => emulator.fail({ operation: 'entra.discovery', kind: 'status', status: 503 }),
    check: 'Entra metadata v2',
    says: /is unavailable or throttles requests \(HTTP 503\)/,
  },
  {
    name: 'a captive portal responds instead of the authority',
    arrange: (emulator) => emulator.fail({ operation: 'entra.discovery', kind: 'garbage' }),
    check: 'Entra metadata v2',
    says: /not a discovery document -> Another server responds/,
  },
  {
    name: 'the metadata belongs to another tenant',
    arrange: (emulator) =>
      emulator.fail({
        operation: 'entra.discovery',
        kind: 'status',
        status: 200,
        body: {
          issuer: 'https://other.example/v2.0',
          jwks_uri: 'https://x',
          token_endpoint: 'https://x',
        },
      }),
    check: 'Entra metadata v2',
    says: /issuer https:\/\/other\.example\/v2\.0 does not belong to the tenant/,
  },
  {
    name: 'the authority does not sign with RS256',
    arrange: (emulator) =>
      emulator.fail({
        operation: 'entra.discovery',
        kind: 'status',
        status: 200,
        body: {
          issuer: `https://x/${emulator.tenantId}/v2.0`,
          jwks_uri: 'https://x',
          token_endpoint: 'https://x',
          id_token_signing_alg_values_supported: ['ES256'],
        },
      }),
    check: 'Entra metadata v2',
    says: /signs with \["ES256"\], not with RS256/,
  },
  {
    name: 'the authority publishes no RSA key',
    arrange: (emulator) =>
      emulator.fail({
        operation: 'entra.keys',
        kind: 'malformed',
        body: '{"keys":[{"kty":"EC","kid":"1"}]}',
      }),
    check: 'Entra signing keys',
    says: /no RSA key/,
    skips: ['client secret'],
  },
  {
    name: 'Graph is not at GRAPH_ENDPOINT',
    settings: () => ({ GRAPH_ENDPOINT: 'https://127.0.0.1:1' }),
    check: 'Microsoft Graph',
    says: /nothing listens at 127\.0\.0\.1:1 -> Check GRAPH_ENDPOINT/,
  },
  {
    name: 'another service responds instead of Graph',
    arrange: (emulator) => emulator.fail({ operation: 'graph.me', kind: 'garbage' }),
    check: 'Microsoft Graph',
    says: /does not respond like Microsoft Graph \(HTTP 200\)/,
  },
  {
    name: 'the access key belongs to another resource',
    settings: ({ url }) => ({
      COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=${url}/;accesskey=${base64('a key of something else')}`,
    }),
    check: 'Communication Services',
    says: /does not accept the access key \(Denied\) -> Copy the connection string again/,
  },
  {
    name: 'the clock of Communication Services differs',
    arrange: ({ switches }) => void (switches.clockOffsetInMs = 10 * 60_000),
    check: 'Communication Services',
    says: /clock is off by more than five minutes/,
  },
  {
    name: 'nothing listens at the Communication Services endpoint',
    settings: () => ({
      COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://localhost:1/;accesskey=${base64('some key or other')}`,
    }),
    check: 'Communication Services',
    says: /nothing listens at localhost:1 -> Check COMMUNICATION_SERVICES_CONNECTION_STRING/,
  },
  {
    name: 'Communication Services does not respond',
    arrange: (emulator) => emulator.fail({ operation: 'acs', kind: 'hang', times: Infinity }),
    callTimeLimitInMs: 500,
    check: 'Communication Services',
    says: /did not respond within \d+ s/,
  },
  {
    name: 'the mapping key is not random',
    settings: () => ({ IDENTITY_MAPPING_KEY: Buffer.alloc(32, 7).toString('base64') }),
    check: 'identity mapping key',
    says: /is not random -> Create a new one/,
  },
  {
    name: 'published credentials are used with an authority that is not on this machine',
    settings: () => ({
      IDENTITY_MAPPING_KEY: base64('emulator-only-identity-mapping-key'),
      AZURE_AUTHORITY_HOST: 'https://[::2]:1',
    }),
    check: 'settings',
    says: /is the value that \.env\.sample publishes/,
    skips: ['remaining checks'],
  },
  {
    name: 'certificates are not checked',
    settings: () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    check: 'trust',
    says: /accept any certificate/,
  },
];

describe('the doctor, when it has finished', () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

  it.each([
    ['after checking a setup', () => ({})],
    ['after explaining a token', () => ({ args: ['--token', emulator.accessToken()] })],
  ])('leaves no timer that would keep the process alive, %s', async (_name, options) => {
    const before = timers();
    await diagnose(emulator, options());
    expect(timers()).toBeLessThanOrEqual(before);
  });
});

describe('a broken setup', () => {
  test.each(broken)(
    'is reported: $name',
    async ({ settings, arrange, check, says, skips = [], ...options }) => {
      arrange?.(emulator);
      const result = await diagnose(emulator, {
        ...options,
        settings: settings?.(emulator) ?? {},
      });
      expect(result.line(check)).toMatch(/^problem /);
      expect(result.line(check)).toMatch(says);
      expect(result.exitCode).toBe(1);
      for (const skip of skips) expect(result.line(skip)).toMatch(/^skipped /);
    },
  );

  it.each<[string, Record<string, string>, string, RegExp]>([
    [
      'a domain instead of a tenant id',
      { AZURE_TENANT_ID: 'contoso.onmicrosoft.com' },
      'settings',
      /AZURE_TENANT_ID is malformed: it is a domain, not the ID of the tenant\. Find the ID/,
    ],
    [
      'quotes around a value',
      { AZURE_TENANT_ID: `"11111111-1111-4111-8111-111111111111"` },
      'settings',
      /AZURE_TENANT_ID is malformed: it is in quotes, which docker run --env-file, for one, does not remove/,
    ],
    [
      'an endpoint instead of a connection string',
      { COMMUNICATION_SERVICES_CONNECTION_STRING: 'https://contoso.communication.azure.com/' },
      'settings',
      /it is only the endpoint, without the access key\. .*set COMMUNICATION_SERVICES_ENDPOINT instead/,
    ],
    ['a short key', { IDENTITY_MAPPING_KEY: 'AAAA' }, 'settings', /key 1 decodes to 3 bytes, and needs 32/],
    [
      'a slash after an origin',
      { CORS_ALLOWED_ORIGINS: 'https://a.example,https://b.example/' },
      'settings',
      /is malformed: entry 2: remove the slash at the end of https:\/\/b\.example\/ -> Expected: /,
    ],
    [
      'an unknown scope',
      { COMMUNICATION_SERVICES_TOKEN_SCOPES: 'chat,video' },
      'settings',
      /entry 2: video is unknown -> /,
    ],
    [
      'a client that is not an id',
      { ALLOWED_CLIENT_IDS: 'a9150000-0000-4000-8000-000000000002,AuthClient' },
      'settings',
      /ALLOWED_CLIENT_IDS is malformed: entry 2: it is not a GUID/,
    ],
    [
      'a misspelt name',
      { AZURE_CLIENT_ID: '', AZURE_CLIENTID: 'a9150000-0000-4000-8000-000000000002' },
      'setting names',
      /^problem .*AZURE_CLIENTID is not a setting: did you mean AZURE_CLIENT_ID\?/,
    ],
    [
      'a misspelt name of a setting with a default',
      { CORS_ALLOWED_ORIGIN: 'https://a.example', AZURE_CLIENT_SECRET: 'not-the-secret' },
      'setting names',
      /^warning .*CORS_ALLOWED_ORIGIN is not a setting: did you mean CORS_ALLOWED_ORIGINS\?/,
    ],
    [
      'an emulator in production',
      { NODE_ENV: 'production' },
      'production',
      /^problem .*on this machine: AZURE_AUTHORITY_HOST, GRAPH_ENDPOINT, the Communication Services resource -> The settings are those of an emulator/,
    ],
  ])('names what is wrong: %s', async (_name, settings, check, says) => {
    const { line, exitCode } = await diagnose(emulator, { settings });
    expect(line(check)).toMatch(says);
    expect(exitCode).toBe(1);
  });

  it.each([
    ['of a file that does not exist', '/does/not/exist.pem', 'does not exist'],
    ['of a folder', __dirname, 'cannot be read'],
    ['of a file without a certificate', __filename, 'has no certificate in PEM'],
  ])('reports NODE_EXTRA_CA_CERTS %s, which Node.js ignores', async (_name, path, reason) => {
    const { line, exitCode } = await diagnose(emulator, { startedWith: { NODE_EXTRA_CA_CERTS: path } });
    expect(line('trust')).toMatch(`problem trust: NODE_EXTRA_CA_CERTS names a file that ${reason} -> `);
    expect(exitCode).toBe(1);
  });

  it('continues after a bad setting with checks that do not need it', async () => {
    const { line } = await diagnose(emulator, {
      settings: {
        CORS_ALLOWED_ORIGINS: 'https://a.example/',
        AZURE_CLIENT_SECRET: 'not-the-secret',
        COMMUNICATION_SERVICES_CONNECTION_STRING: '',
      },
    });
    expect(line('client secret')).toMatch(/^problem .*AADSTS7000215/);
    expect(line('Microsoft Graph')).toMatch(/^ok /);
    expect(line('browser apps')).toBe('skipped browser apps: fix "CORS_ALLOWED_ORIGINS" first');
    expect(line('Communication Services')).toMatch(/^skipped /);
  });

  it('says that there is no settings file, in one finding', async () => {
    const none = Object.keys(emulator.settings()).map((name) => [name, '']);
    const { lines, exitCode } = await diagnose(emulator, {
      settings: Object.fromEntries(none) as Record<string, string>,
      settingsFile: { path: '/srv/app/.env', exists: false, count: 0 },
    });
    expect(lines.filter((line) => line.startsWith('problem'))).toEqual([
      expect.stringMatching(
        /settings: there is no file \/srv\/app\/\.env, and \d settings are missing: .*AZURE_TENANT_ID.* -> .*npm run local/,
      ),
    ]);
    expect(exitCode).toBe(1);
  });

  it('has a line for every bad setting', async () => {
    const { lines, exitCode } = await diagnose(emulator, {
      settings: { AZURE_TENANT_ID: 'contoso', PORT: '-1', LOG_LEVEL: 'loud' },
    });
    const bad = lines.filter((line) =>
      /^problem {2}settings: (AZURE_TENANT_ID|PORT|LOG_LEVEL) is malformed/.test(line),
    );
    expect({ exitCode, bad: bad.length }).toEqual({ exitCode: 1, bad: 3 });
  });
});

describe('a setup that works but is risky', () => {
  const withRoles = (emulator: Emulator) =>
    emulator.fail({
      operation: 'entra.token.client_credentials',
      kind: 'status',
      status: 200,
      body: {
        token_type: 'Bearer',
        expires_in: 3600,
        access_token: emulator.graphToken({ claims: { roles: ['User.ReadWrite.All'], scp: undefined } }),
      },
    });

  test.each([
    {
      name: 'the application has application permissions',
      arrange: withRoles,
      check: 'application permissions',
      says: /User\.ReadWrite\.All -> .*remove them/,
    },
    {
      name: 'the mapping key is a phrase',
      settings: { IDENTITY_MAPPING_KEY: base64('correct horse battery staple, and so on') },
      check: 'identity mapping key',
      says: /readable text/,
    },
    {
      name: 'unsigned mappings are adopted',
      settings: { IDENTITY_MAPPING_UNSIGNED: 'adopt' },
      check: 'mappings without a seal',
      says: /Set it back to reject/,
    },
    {
      name: 'every origin is allowed',
      settings: { CORS_ALLOWED_ORIGINS: '*' },
      check: 'browser apps',
      says: /refused in production/,
    },
    {
      name: 'every origin of the machine is allowed',
      settings: { CORS_ALLOWED_ORIGINS: 'loopback' },
      check: 'browser apps',
      says: /refused in production/,
    },
    {
      name: 'an origin uses http',
      settings: { CORS_ALLOWED_ORIGINS: 'http://app.contoso.example' },
      check: 'browser apps',
      says: /http:\/\/app\.contoso\.example is not encrypted/,
    },
    {
      name: 'the API is listed as its own client',
      settings: { ALLOWED_CLIENT_IDS: 'a9150000-0000-4000-8000-000000000002' },
      check: 'client applications',
      says: /this API itself/,
    },
    {
      name: 'v1 metadata cannot be read',
      arrange: (emulator: Emulator) =>
        emulator.fail({ operation: 'entra.discovery', after: 1, kind: 'status', status: 503 }),
      check: 'Entra metadata v1',
      says: /v1 tokens are accepted from the usual issuer only/,
    },
    {
      name: 'Communication Services is limiting requests',
      arrange: ({ switches }: Emulator) =>
        void (switches.issueLimit = { count: 0, perSeconds: 30, retryAfter: true }),
      check: 'Communication Services',
      says: /the credential could not be checked/,
    },
  ])('gives a warning, with exit code 0: $name', async ({ arrange, settings = {}, check, says }) => {
    arrange?.(emulator);
    const result = await diagnose(emulator, { settings: { ...settings } });
    expect(result.line(check)).toMatch(/^warning /);
    expect(result.line(check)).toMatch(says);
    expect(result.exitCode).toBe(0);
  });
});

describe('the clock', () => {
  const minutes = (count: number) => () => Date.now() + count * 60_000;

  test.each([
    { now: minutes(0.5), line: /^ok clock: agrees with .* within (29|30|31) s$/, exitCode: 0 },
    { now: minutes(2), line: /^warning clock: this machine is 2 minutes ahead of /, exitCode: 0 },
    { now: minutes(-3), line: /^warning clock: this machine is 3 minutes behind /, exitCode: 0 },
    {
      now: minutes(9),
      line: /^problem clock: this machine is 9 minutes ahead of .*rejected -> /,
      exitCode: 1,
    },
    { now: minutes(-60), line: /^problem clock: this machine is 60 minutes behind /, exitCode: 1 },
  ])('is checked: $line', async ({ now, line, exitCode }) => {
    const result = await diagnose(emulator, { now });
    expect(result.line('clock')).toMatch(line);
    expect(result.exitCode).toBe(exitCode);
  });

  it('is compared with Graph, too', async () => {
    const date = new Date(Date.now() + 10 * 60_000).toUTCString();
    emulator.fail({ operation: 'graph.me', kind: 'status', status: 401, headers: { date } });
    const result = await diagnose(emulator);
    expect(result.line('clock')).toMatch(/^problem clock: this machine is 10 minutes behind Microsoft Graph/);
  });

  it('is not compared with a cached response', async () => {
    const date = new Date(Date.now() - 60 * 60_000).toUTCString();
    emulator.fail({ operation: 'graph.me', kind: 'status', status: 401, headers: { date, age: '3600' } });
    expect((await diagnose(emulator)).line('clock')).toMatch(
      /^ok clock: agrees with Microsoft Entra ID within/,
    );
  });
});

describe('the report for people', () => {
  const settingsFile = { path: '/srv/app/.env', exists: true, count: 7 };
  const wrongSecret = { AZURE_CLIENT_SECRET: 'not-the-secret' };
  const green = '\u001b[32m✓\u001b[0m Settings ';

  test.each([
    { where: 'on a terminal', isTTY: true, settings: {}, line: green },
    { where: 'on a terminal with NO_COLOR', isTTY: true, settings: { NO_COLOR: '1' }, line: '✓ Settings ' },
    { where: 'in a file', isTTY: false, settings: {}, line: '✓ Settings ' },
  ])('has colors only $where', async ({ isTTY, settings, line }) => {
    const { output } = await runForPeople(emulator, { isTTY, settings: { ...settings } });
    expect(output.split('\n').some((text) => text.startsWith(line))).toBe(true);
    expect(output.includes('\u001b')).toBe(line === green);
  });

  it('fits a screen, problems first, with cause, fix and document on lines of their own', async () => {
    const settings = { ...wrongSecret, CORS_ALLOWED_ORIGINS: 'http://app.contoso.example', NO_COLOR: '1' };
    const { output } = await runForPeople(emulator, { isTTY: true, settings, settingsFile });
    const lines = output.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(lines.filter((line) => line.length > 80 && !line.includes('/'))).toEqual([]);
    expect(output).toMatch(
      /^Settings of the environment and of \/srv\/app\/\.env \(7\)\n\n✗ Identity provider: client secret\n {2}AZURE_CLIENT_SECRET is not/,
    );
    for (const line of [
      /^ {4}Cause {2}The secret's ID was copied/m,
      /^ {4}Fix {4}Create a new secret/m,
      /^ {4}More {3}docs\/app-registrations\.md#4-add-a-credential-to-authserver$/m,
      /^! Settings: browser apps$/m,
      /^✓ This machine {14}Node, trust, port, clock$/m,
      /^– application permissions {3}fix "client secret" first$/m,
      /^1 problem, 1 warning, 2 not checked\.$/m,
    ])
      expect(output).toMatch(line);
    expect(output.indexOf('✗')).toBeLessThan(output.indexOf('!'));
    expect(output.indexOf('! ')).toBeLessThan(output.indexOf('✓'));
  });

  it('shows all that is ok with --all', async () => {
    const { output } = await runForPeople(emulator, { args: ['--all'] });
    expect(output).toMatch(/^✓ Microsoft Graph {11}reachable at https:/m);
    expect(output).toMatch(/^✓ clock {21}agrees with/m);
  });
});

describe('the port', () => {
  it('may be in use by the server itself', async () => {
    const result = await diagnose(emulator, { settings: { PORT: new URL(system.url).port } });
    expect(result.line('port')).toMatch(/^ok port: \d+ is in use by a running instance of this server/);
    expect(result.exitCode).toBe(0);
  });

  it('may not be in use by another program', async () => {
    const otherProgram = createServer((_request, response) => response.end('hello')).listen(0);
    await once(otherProgram, 'listening');
    const { port } = otherProgram.address() as AddressInfo;
    const result = await diagnose(emulator, { settings: { PORT: String(port) } });
    otherProgram.close();
    expect(result.line('port')).toBe(
      `problem port: ${port} is in use by another program -> Stop it, or set PORT to another port (and update redirect URIs that contain it).`,
    );
    expect(result.exitCode).toBe(1);
  });
});
