import { type CommunicationAuthSettings, ConfigError, createCommunicationAuth } from '../../src';
import { loadConfig } from '../../src/config/config';
import { settings, type SettingName } from '../../src/config/settings';
import * as names from '../../src/library/optionNames';
import { readCommunicationAuthSettings } from '../../src/library/readSettings';

const guid = (last: number) => `7e4a0000-0000-4000-8000-00000000000${last}`;
const key = (text: string) => Buffer.alloc(32, text).toString('base64');
const connectionString = `endpoint=https://contoso.communication.azure.com/;accesskey=${key('access')}`;

const entra = { kind: 'entra', tenantId: guid(1), clientId: guid(2) };
const fallback = { clientSecret: 'secret', mappingKey: key('mapping') };
const graph = { kind: 'graph', ...fallback };
const table = { kind: 'table', endpoint: 'https://contoso.table.core.windows.net' };
const authenticate = () => undefined;

/** As an app without types may give them. */
const read = (options: Record<string, unknown>) =>
  readCommunicationAuthSettings({
    communication: { connectionString },
    ...options,
  } as unknown as CommunicationAuthSettings);

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const environment = {
  AZURE_TENANT_ID: guid(1),
  AZURE_CLIENT_ID: guid(2),
  AZURE_CLIENT_SECRET: 'secret',
  IDENTITY_MAPPING_KEY: key('mapping'),
  COMMUNICATION_SERVICES_CONNECTION_STRING: connectionString,
};

/** Settings of the server process, and of what an app does itself around the router. */
const settingsOfTheServerOnly = [
  'PORT',
  'CORS_ALLOWED_ORIGINS',
  'OVERLOAD_WAIT_MS',
  'MAX_REQUESTS_IN_FLIGHT',
  'TRUST_PROXY_HOPS',
  'API_DOCS',
  'API_DOCS_CLIENT_ID',
  'ERROR_DOCUMENTATION_URL',
  'FORWARD_REQUEST_ID',
  'LOG_LEVEL',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
] as const satisfies readonly SettingName[];

it('makes every setting an option, but for those of the process', () => {
  const parts = [
    names.topOptions,
    names.communicationOptions,
    names.rateLimitOptions,
    names.cacheOptions,
    names.workloadIdentityOptions,
    ...Object.values(names.providerOptions),
    ...Object.values(names.storeOptions),
  ];
  const byKind: SettingName[] = ['IDENTITY_PROVIDER', 'IDENTITY_STORE', 'IDENTITY_STORE_FALLBACK'];
  const covered = new Set<string>([
    ...parts.flatMap((part) => Object.values(part)),
    ...byKind,
    ...settingsOfTheServerOnly,
  ]);
  expect([...covered].sort()).toEqual(Object.keys(settings).sort());
});

describe('the configuration', () => {
  it('is that of the same settings, with the same defaults', () => {
    const { config } = read({ providers: [entra], store: graph });
    const expected = loadConfig(environment);
    expect(config).toEqual({
      ...expected,
      providers: [{ ...expected.providers[0], allowedClientIdsSetting: 'providers[0].allowedClientIds' }],
    });
  });

  it('takes lists, numbers and several providers', () => {
    const { config } = read({
      providers: [entra, { ...entra, tenantId: guid(3), allowedClientIds: [guid(4), guid(5)] }],
      store: { ...table, name: 'mappings' },
      rateLimits: { user: 0 },
      caches: { identityCacheMinutes: 5 },
      communication: { connectionString, tokenScopes: ['chat', 'voip.join'], tokenLifetimeMinutes: 60 },
    });
    expect(config).toMatchObject({
      providers: [
        { tenantId: guid(1), allowedClientIds: [] },
        { tenantId: guid(3), allowedClientIds: [guid(4), guid(5)] },
      ],
      identities: { table: { tableName: 'mappings' }, cache: { minutes: 5 } },
      rateLimits: { user: 0, rejected: 600 },
      communication: { tokenScopes: ['chat', 'voip.join'], tokenLifetimeInMinutes: 60 },
    });
  });

  it('takes a store that users are moved from, and users of the app', () => {
    const { config } = read({ providers: [entra], store: { ...table, fallback } });
    expect(config.identities).toMatchObject({ store: 'table', fallback: { adoptUnsigned: false } });
    expect(read({ authenticate, store: table }).config.providers).toEqual([]);
  });

  it('takes options that an object inherits, such as the getters of a class', () => {
    const store: unknown = Object.create(graph);
    const rateLimits: unknown = Object.create({
      get user() {
        return 7;
      },
    });
    const { config } = read({ providers: [entra], store, rateLimits });
    expect(config).toMatchObject({ identities: { store: 'graph' }, rateLimits: { user: 7 } });
  });

  it('does not depend on the environment', () => {
    const before = { ...process.env };
    try {
      Object.assign(process.env, { ...environment, NODE_ENV: 'production', TOKEN_REUSE_MINUTES: '1' });
      expect(problemsOf(() => read({ providers: [{ kind: 'entra' }], store: graph }))).toHaveLength(2);
      expect(read({ authenticate, store: table }).config).toMatchObject({
        production: false,
        communication: { tokenReuseInMinutes: 15 },
      });
    } finally {
      process.env = before;
    }
  });
});

describe('a message names the option where that of the server names the setting', () => {
  it.each<[string, Record<string, unknown>, Record<string, string>, [string, string][]]>([
    [
      'a malformed one',
      { providers: [{ ...entra, tenantId: 'contoso' }], store: graph },
      { AZURE_TENANT_ID: 'contoso' },
      [['AZURE_TENANT_ID', 'providers[0].tenantId']],
    ],
    [
      'a missing one',
      { providers: [{ ...entra, clientId: undefined }], store: graph },
      { AZURE_CLIENT_ID: '' },
      [['AZURE_CLIENT_ID', 'providers[0].clientId']],
    ],
    [
      'one of the wrong type',
      { providers: [entra], store: { ...graph, extensionName: true } },
      { GRAPH_EXTENSION_NAME: 'true' },
      [['GRAPH_EXTENSION_NAME', 'store.extensionName']],
    ],
    [
      'a number that is too large',
      { providers: [entra], store: graph, communication: { connectionString, tokenReuseMinutes: 721 } },
      { TOKEN_REUSE_MINUTES: '721' },
      [['TOKEN_REUSE_MINUTES', 'communication.tokenReuseMinutes']],
    ],
    [
      'an empty list',
      { providers: [entra], store: graph, communication: { connectionString, tokenScopes: [] } },
      { COMMUNICATION_SERVICES_TOKEN_SCOPES: ',' },
      [['COMMUNICATION_SERVICES_TOKEN_SCOPES', 'communication.tokenScopes']],
    ],
    [
      'two credentials',
      { providers: [entra], store: { ...graph, clientCertificatePath: '/certificate.pem' } },
      { AZURE_CLIENT_CERTIFICATE_PATH: '/certificate.pem' },
      [
        ['AZURE_CLIENT_SECRET', 'store.clientSecret'],
        ['AZURE_CLIENT_CERTIFICATE_PATH', 'store.clientCertificatePath'],
        ['AZURE_FEDERATED_TOKEN_FILE', 'workloadIdentity.federatedTokenFile'],
      ],
    ],
    [
      'the Graph store for users of several tenants',
      { providers: [entra, { ...entra, tenantId: guid(3) }], store: graph },
      {
        IDENTITY_PROVIDER: 'entra,entra:p1',
        AZURE_TENANT_ID__P1: guid(3),
        AZURE_CLIENT_ID__P1: guid(2),
      },
      [
        ['IDENTITY_STORE', 'store.kind'],
        ['IDENTITY_PROVIDER', 'providers'],
      ],
    ],
    [
      'an option of a further provider',
      { providers: [entra, { ...entra, tenantId: 'contoso' }], store: { ...table, clientSecret: undefined } },
      {
        IDENTITY_STORE: 'table',
        TABLES_ENDPOINT: table.endpoint,
        IDENTITY_PROVIDER: 'entra,entra:p1',
        AZURE_TENANT_ID__P1: 'contoso',
        AZURE_CLIENT_ID__P1: guid(2),
      },
      [['AZURE_TENANT_ID__P1', 'providers[1].tenantId']],
    ],
  ])('%s', (_name, options, changed, renamed) => {
    const expected = problemsOf(() => loadConfig({ ...environment, ...changed })).map((problem) =>
      renamed.reduce((text, [setting, option]) => text.replaceAll(setting, option), problem),
    );
    expect(expected).toHaveLength(1);
    expect(problemsOf(() => read(options))).toEqual(expected);
  });
});

describe('an app without types gets messages for errors that types prevent', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'an unknown option',
      { providers: [entra], store: graph, port: 3000 },
      /^port is unknown\. Known here: /,
    ],
    [
      'an unknown option inside',
      { providers: [entra], store: { ...graph, name: 'x' } },
      /^store\.name is unknown/,
    ],
    [
      'an unknown option with the name of a property of all objects',
      { providers: [entra], store: graph, constructor: 'x' },
      /^constructor is unknown/,
    ],
    [
      'an unknown provider',
      { providers: [{ kind: 'saml' }], store: table },
      /^providers\[0\]\.kind is malformed/,
    ],
    ['no users', { store: table }, /^providers is missing: .* Or set authenticate/],
    [
      'users twice',
      { providers: [entra], authenticate, store: table },
      /^providers and authenticate are set/,
    ],
    ['no store', { providers: [entra] }, /^store\.kind is missing/],
    ['an unknown store', { providers: [entra], store: { kind: 'redis' } }, /^store\.kind is malformed/],
    ['the Graph store for its own users', { authenticate, store: graph }, /^store\.kind=graph requires/],
    ['a logger with a method missing', { authenticate, store: table, logger: {} }, /^logger is malformed/],
    ['a part that is not an object', { authenticate, store: table, caches: 5 }, /^caches is malformed/],
    [
      'a list item with a comma',
      { providers: [{ ...entra, allowedClientIds: [`${guid(4)},${guid(5)}`] }], store: graph },
      /^providers\[0\]\.allowedClientIds is malformed/,
    ],
    [
      'a tenant of the workload identity in addition to that of the provider',
      {
        providers: [entra],
        store: table,
        managedIdentityClientId: guid(4),
        workloadIdentity: { federatedTokenFile: '/token', tenantId: guid(3) },
      },
      /^workloadIdentity\.tenantId is set/,
    ],
  ])('%s', (_name, options, message) => {
    expect(problemsOf(() => read(options))).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string, Record<string, unknown>, RegExp[]]>([
    [
      'unknown, malformed and missing options',
      {
        providers: [{ ...entra, tenantId: 'contoso', audience: 'x' }],
        store: { ...graph, extensionName: true, mappingKey: undefined },
        logger: {},
        port: 3000,
      },
      [
        /^port is unknown/,
        /^store\.extensionName is malformed/,
        /^providers\[0\]\.audience is unknown/,
        /^logger is malformed/,
        /^providers\[0\]\.tenantId is malformed/,
        /^store\.mappingKey is missing/,
      ],
    ],
    [
      'an unknown store, whose options are not known',
      { providers: [entra], store: { kind: 'redis', url: 'redis://x' }, rateLimits: { user: -1 } },
      [/^store\.kind is malformed/, /^rateLimits\.user is malformed/],
    ],
    [
      'an unknown provider beside a known one, with a store that may fit',
      { providers: [{ kind: 'Entra' }, { ...entra, clientId: 'x' }], store: graph },
      [/^providers\[0\]\.kind is malformed/, /^providers\[1\]\.clientId is malformed/],
    ],
    [
      'users twice, with a store for one of them',
      { providers: [entra], authenticate, store: { ...graph, mappingKey: 'short' } },
      [/^providers and authenticate are set/, /^store\.mappingKey is malformed/],
    ],
    [
      'a part that is not an object, whose options are not missing too',
      { providers: [entra], store: { ...graph, name: 'x' }, communication: 'endpoint=x' },
      [/^communication is malformed/, /^store\.name is unknown/],
    ],
  ])('all together: %s', (_name, options, messages) => {
    expect(problemsOf(() => read(options))).toEqual(
      messages.map((message) => expect.stringMatching(message) as unknown),
    );
  });

  it('throws immediately, with all problems in one message', () => {
    const options = { communication: {}, authenticate, store: { kind: 'acs' } };
    expect(() => createCommunicationAuth(options as unknown as CommunicationAuthSettings)).toThrow(
      /^createCommunicationAuth failed: 2 settings are missing or malformed\.\n {2}- .*mappingKey.*\n {2}- communication\./,
    );
  });
});
