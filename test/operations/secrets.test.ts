import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Response, Test } from 'supertest';
import { type ClientCertificate, createClientCertificate, type Defect } from '../../emulator/startEmulator';
import { runErase } from '../../src/erase/erase';
import { catchOutput, expectNothingLeaked, serverOutput, partsOf } from '../support/canaries';
import { type Collector, startCollector, startIngestion } from '../support/collector';
import { testProviders } from '../support/providers';
import { startSystem, type System, type TestServer } from '../support/startSystem';
import { createTokenIssuer } from '../support/tokenIssuer';
import { runForPeople } from '../doctor/diagnose';

/**
 * Each service that a server can use repeats all secrets that it could know in its errors. None of them may appear in the log, on standard
 * output or error, in responses, in telemetry, or in the output of the doctor and `npm run erase`.
 */
let system: System;
let collector: Collector;
let ingestion: Awaited<ReturnType<typeof startIngestion>>;
let tables: Server & { status: number };
let folder: string;
let certificate: ClientCertificate;
let written: string[];
const cluster = createTokenIssuer();
const tableKey = Buffer.from('Canary-of-the-table-with-32-bytes').toString('base64');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  [system, collector, ingestion, certificate, tables] = await Promise.all([
    startSystem(),
    startCollector(),
    startIngestion(),
    createClientCertificate(),
    startTables(),
  ]);
  await writeFile(join(folder, 'certificate.pem'), `${certificate.privateKey}\n${certificate.certificate}`);
  await writeFile(join(folder, 'token'), cluster.token());
});
beforeEach(() => {
  system.emulator.reset();
  ingestion.misbehave((_request, response) => void response.writeHead(400).end(secrets.whole.join(' ')));
  written = catchOutput();
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  tables.close().closeAllConnections();
  await Promise.all([system.stop(), collector.stop(), ingestion.stop()]);
  await rm(folder, { recursive: true });
});

/** Responds to every request with `status`, and with all secrets that it could know. */
async function startTables(): Promise<Server & { status: number }> {
  const server = createServer((request, response) => {
    const text = [...secrets.whole, JSON.stringify(request.headers)].join(' ');
    response.writeHead(tables.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ 'odata.error': { code: 'Echo', message: { lang: 'en', value: text } } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, { status: 400 });
}

const user = () => system.emulator.users.alice;
const personal = () => [user().objectId, '8:acs:'];

/** The secrets of a server with these settings: as services may repeat them, and with the parts that must not leak either. */
let secrets: { whole: string[]; all: string[] };
function secretsOf(settings: Record<string, string | undefined>): typeof secrets {
  const { emulator } = system;
  const { COMMUNICATION_SERVICES_CONNECTION_STRING, TABLES_CONNECTION_STRING } = settings;
  const keys = [
    settings.AZURE_CLIENT_SECRET,
    settings.IDENTITY_MAPPING_KEY,
    /accesskey=(.+)$/.exec(COMMUNICATION_SERVICES_CONNECTION_STRING ?? '')?.[1],
    /AccountKey=([^;]+)/.exec(TABLES_CONNECTION_STRING ?? '')?.[1],
    instrumentationKey(),
  ].filter((key) => key !== undefined && key !== '') as string[];
  const tokens = [
    ...[emulator.accessToken(), emulator.administratorToken(), emulator.teamsToken(), cluster.token()],
    ...testProviders.map((provider) => provider.tenant(emulator).accessToken()),
  ];
  const whole = [...keys, ...tokens, certificate.privateKey, user().userPrincipalName];
  const lines = certificate.privateKey.split('\n').filter((line) => line.length > 40);
  return { whole, all: [...whole, ...lines, ...tokens.flatMap(partsOf), user().name] };
}
const instrumentationKey = () => /Key=([^;]+)/.exec(ingestion.connectionString)?.[1] ?? '';

interface SetUp {
  readonly settings: () => Record<string, string>;
  /** The operation of the emulator that fails; none: the table. */
  readonly operation?: string;
  readonly calls: (server: TestServer) => Test[];
}

const asUser = (server: TestServer, token = system.emulator.accessToken()) => [
  server.call('get', '/getToken', token),
  server.call('delete', '/deleteUser', token),
  server.call('get', '/health/ready'),
];
const asAdministrator = (server: TestServer) =>
  [user().objectId, user().userPrincipalName, encodeURIComponent(user().userPrincipalName)].flatMap((id) => [
    server.call('get', `/api/users/${id}`, system.emulator.administratorToken()),
    server.call('delete', `/api/users/${id}`, system.emulator.administratorToken()),
    server.call('get', `/api/users/${id}`, system.emulator.accessToken()),
  ]);
const tableSettings = () => {
  const endpoint = `http://127.0.0.1:${(tables.address() as AddressInfo).port}/canary`;
  return {
    IDENTITY_STORE: 'table',
    // This store does not read it.
    AZURE_CLIENT_SECRET: '',
    IDENTITY_MAPPING_KEY: '',
    TABLES_CONNECTION_STRING: `AccountName=canary;AccountKey=${tableKey};TableEndpoint=${endpoint}`,
  };
};

const setUps: Record<string, SetUp> = {
  'Microsoft Graph, which the application calls as itself': {
    settings: () => ({}),
    operation: 'graph.user.read',
    calls: asAdministrator,
  },
  "Microsoft Entra ID, for the application's own token": {
    settings: () => ({}),
    operation: 'entra.token.client_credentials',
    calls: asAdministrator,
  },
  'Microsoft Entra ID, with a certificate': {
    settings: () => ({
      AZURE_CLIENT_SECRET: '',
      AZURE_CLIENT_CERTIFICATE_PATH: join(folder, 'certificate.pem'),
    }),
    operation: 'entra.token.on_behalf_of',
    calls: asUser,
  },
  "Microsoft Entra ID, with Kubernetes' token": {
    settings: () => ({ AZURE_CLIENT_SECRET: '', AZURE_FEDERATED_TOKEN_FILE: join(folder, 'token') }),
    operation: 'entra.token.on_behalf_of',
    calls: asUser,
  },
  'the table': {
    settings: tableSettings,
    calls: (server) => [...asUser(server), ...asAdministrator(server)],
  },
  ...Object.fromEntries(
    testProviders.flatMap((provider) =>
      ['discovery', 'keys'].map((part): [string, SetUp] => [
        `the provider ${provider.kind}, in its ${part}`,
        {
          settings: () => ({ IDENTITY_STORE: 'acs', ...provider.settings(system.emulator) }),
          operation: `${provider.operations}.${part}`,
          calls: (server) =>
            [undefined, 'expired', 'bad_signature'].flatMap((defect) => {
              const options = defect === undefined ? {} : { defect: defect as Defect };
              return asUser(server, provider.tenant(system.emulator).accessToken(options));
            }),
        },
      ]),
    ),
  ),
};

function allSettings(settings: SetUp['settings']): Record<string, string> {
  return {
    ...system.emulator.settings(),
    LOG_LEVEL: 'trace',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString,
    ...settings(),
  };
}

/** Makes the operation fail in each way, one after the other. */
async function withEachFailure(operation: string | undefined, work: () => Promise<void>): Promise<void> {
  const text = secrets.whole.join(' ');
  const body = { error: { code: 'Echo', message: text }, error_description: text };
  const { authServer, switches } = system.emulator;
  for (const failure of [
    { kind: 'status', status: 400, body },
    { kind: 'status', status: 500, body },
    { kind: 'malformed', body: text },
  ] as const) {
    system.emulator.reset();
    switches.graphApplicationPermissions = { [authServer.servicePrincipalId]: ['User.ReadWrite.All'] };
    tables.status = failure.kind === 'status' ? failure.status : 200;
    if (operation !== undefined) system.emulator.fail({ ...failure, operation, times: Infinity });
    await work();
    if (operation !== undefined) expect(system.emulator.callsTo(operation)).toBeGreaterThan(0);
  }
}

it.each(Object.entries(setUps))(
  'no secret leaks that is repeated by %s',
  async (_name, { settings, operation, calls }) => {
    secrets = secretsOf(allSettings(settings));
    await withEachFailure(operation, async () => {
      const server = await system.startAnother(allSettings(settings));
      const replies: Response[] = [];
      for (const call of calls(server)) replies.push(await call);
      await server.stop();
      expect(replies.some(({ status }) => status >= 500)).toBe(true);
      expectNothingLeaked(serverOutput(server, written, replies), secrets.all);
    });
    expectNothingExported();
  },
);

function expectNothingExported(): void {
  const toCollector = collector.bodies.join('\n');
  // Its key addresses the resource.
  const toInsights = ingestion.bodies.join('\n').replaceAll(instrumentationKey(), '');
  for (const exported of [toCollector, toInsights]) {
    expect(exported).toContain('acs-authentication-server');
    expect([...secrets.all, ...personal()].filter((text) => exported.includes(text)).length).toBe(0);
    expect(/eyJ[\w-]{8,}\./.test(exported)).toBe(false);
  }
}

it.each(Object.entries(setUps))(
  'the doctor and npm run erase print no secret that is repeated by %s',
  async (_name, { settings, operation }) => {
    secrets = secretsOf(allSettings(settings));
    const body = { error: secrets.whole.join(' ') };
    tables.status = 400;
    if (operation !== undefined) system.emulator.fail({ operation, kind: 'status', status: 400, body });
    const doctor = {
      settings: allSettings(settings),
      args: ['--token', '-'],
      input: system.emulator.accessToken(),
    };
    const { output } = await runForPeople(system.emulator, doctor);
    const environment = allSettings(settings);
    const erased: string[] = [];
    const out = { write: (text: string) => erased.push(text) };
    const args = ['--user', user().objectId];
    await runErase({ args, environment, operator: 'olga', out, log: out });

    expect([output, erased]).not.toContain('');
    expectNothingLeaked({ logged: [output, ...erased], written, responses: [] }, secrets.all);
  },
);
