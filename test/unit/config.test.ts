import { ConfigError, type Environment, loadConfig } from '../../src/config/config';
import { publishedCredentials } from '../../src/config/publishedCredentials';
import { developmentAccount } from '../../src/config/tableConnection';
import { type SettingName, settings } from '../../src/config/settings';
import { authServer, communicationResource, developmentMappingKey } from '../../emulator/seed';

const accessKey = Buffer.from('canary-access-key').toString('base64');
const mappingKey = Buffer.from('canary-mapping-key-of-32-bytes-or-more').toString('base64');
const accountKey = Buffer.from('canary-account-key').toString('base64');
const clientId = 'a9150000-0000-4000-8000-000000000002';

/** The required settings; all others have a default. */
const minimal = {
  AZURE_TENANT_ID: '7e4a0000-0000-4000-8000-000000000001',
  AZURE_CLIENT_ID: clientId,
  AZURE_CLIENT_SECRET: 'canary~client.secret',
  COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://contoso.communication.azure.com/;accesskey=${accessKey}`,
  IDENTITY_MAPPING_KEY: mappingKey,
};
/** The same for the other identity stores. */
const minimalByStore = {
  graph: minimal,
  table: {
    IDENTITY_STORE: 'table',
    AZURE_TENANT_ID: minimal.AZURE_TENANT_ID,
    AZURE_CLIENT_ID: minimal.AZURE_CLIENT_ID,
    COMMUNICATION_SERVICES_CONNECTION_STRING: minimal.COMMUNICATION_SERVICES_CONNECTION_STRING,
    TABLES_CONNECTION_STRING: `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${accountKey};EndpointSuffix=core.windows.net`,
  },
  acs: {
    IDENTITY_STORE: 'acs',
    AZURE_TENANT_ID: minimal.AZURE_TENANT_ID,
    AZURE_CLIENT_ID: minimal.AZURE_CLIENT_ID,
    COMMUNICATION_SERVICES_CONNECTION_STRING: minimal.COMMUNICATION_SERVICES_CONNECTION_STRING,
    IDENTITY_MAPPING_KEY: mappingKey,
  },
};
/** The required settings of each provider, and the names of all its settings. */
const minimalByProvider: Record<string, { own: Environment }> = {
  external_id: {
    own: {
      EXTERNAL_ID_TENANT_ID: 'e7e40000-0000-4000-8000-000000000011',
      EXTERNAL_ID_TENANT_NAME: 'contoso',
      EXTERNAL_ID_CLIENT_ID: clientId,
      EXTERNAL_ID_AUTHORITY_HOST: '',
    },
  },
  b2c: {
    own: {
      B2C_TENANT_ID: 'b2c40000-0000-4000-8000-000000000021',
      B2C_TENANT_NAME: 'contoso',
      B2C_CLIENT_ID: clientId,
      B2C_POLICIES: 'B2C_1_susi',
      B2C_AUTHORITY_HOST: '',
    },
  },
  oidc: {
    own: {
      OIDC_ISSUER: 'https://contoso.eu.auth0.com/',
      OIDC_AUDIENCE: 'https://api.contoso.com',
      OIDC_REQUIRED_SCOPE: '',
      OIDC_USER_CLAIM: '',
      OIDC_ALGORITHMS: '',
      OIDC_ALLOWED_CLIENT_IDS: '',
    },
  },
};
const names = Object.keys(settings) as SettingName[];

function problemsOf(environment: Environment): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** Values that each setting rejects; none if any text is valid. */
const malformed: Record<SettingName, string[]> = {
  PORT: ['canary', '-1', '65536', '30.5', '0x1F', '3000 3001'],
  IDENTITY_PROVIDER: [
    'canary',
    'Entra',
    'entra,entra',
    'entra oidc',
    'entra:',
    'entra:Partner',
    'entra:a_b',
    ',',
  ],
  AZURE_TENANT_ID: ['common', 'contoso.onmicrosoft.com', '7e4a0000-0000-4000-8000-00000000000'],
  AZURE_CLIENT_ID: ['not-a-guid', `api://${clientId}`, `{${clientId}}`],
  AZURE_CLIENT_SECRET: [],
  AZURE_CLIENT_CERTIFICATE_PATH: [],
  AZURE_CLIENT_ASSERTION: ['managed-identity', 'canary.of.token'],
  AZURE_FEDERATED_TOKEN_FILE: [],
  AZURE_APP_ID_URI: [],
  AZURE_CLOUD: ['azure', 'AzureUSGovernment', 'germany'],
  AZURE_AUTHORITY_HOST: [
    'login.microsoftonline.com',
    'http://login.microsoftonline.com',
    'https://login.microsoftonline.com/common',
    'https://login.microsoftonline.com?canary',
    'https://canary@login.microsoftonline.com',
  ],
  EXTERNAL_ID_TENANT_ID: ['contoso', '7e4a0000'],
  EXTERNAL_ID_TENANT_NAME: ['contoso.ciamlogin.com', 'https://contoso'],
  EXTERNAL_ID_CLIENT_ID: [`api://${clientId}`],
  EXTERNAL_ID_AUTHORITY_HOST: ['http://contoso.ciamlogin.com', 'https://contoso.ciamlogin.com/tenant'],
  B2C_TENANT_ID: ['contoso', '7e4a0000'],
  B2C_TENANT_NAME: ['contoso.onmicrosoft.com', 'https://contoso'],
  B2C_CLIENT_ID: [`api://${clientId}`],
  B2C_POLICIES: ['susi', 'B2C_1_', 'B2C_1_susi,canary', 'B2C_1_a/b', ','],
  B2C_AUTHORITY_HOST: ['http://contoso.b2clogin.com', 'https://contoso.b2clogin.com/tenant'],
  OIDC_ISSUER: [
    'contoso.eu.auth0.com',
    'http://contoso.eu.auth0.com/',
    'https://canary@contoso.eu.auth0.com/',
    'https://contoso.eu.auth0.com/?canary',
    'https://contoso.eu.auth0.com/#canary',
  ],
  OIDC_AUDIENCE: [],
  OIDC_REQUIRED_SCOPE: ['access as user', 'access"as"user'],
  OIDC_USER_CLAIM: ['c'.repeat(101)],
  OIDC_ALGORITHMS: ['none', 'HS256', 'RS256,HS256', 'rs256', ','],
  OIDC_ALLOWED_CLIENT_IDS: [],
  COMMUNICATION_SERVICES_CONNECTION_STRING: [
    'canary-of-no-form',
    'endpoint=https://contoso.communication.azure.com/',
    `accesskey=${accessKey}`,
    'endpoint=https://contoso.communication.azure.com/;accesskey=',
    'endpoint=https://contoso.communication.azure.com/;accesskey=canary key!',
    `endpoint=http://contoso.communication.azure.com/;accesskey=${accessKey}`,
    `endpoint=contoso.communication.azure.com;accesskey=${accessKey}`,
    `endpoint=https://contoso.communication.azure.com/path;accesskey=${accessKey}`,
  ],
  COMMUNICATION_SERVICES_ENDPOINT: [
    'contoso.communication.azure.com',
    'http://contoso.communication.azure.com',
    'https://contoso.communication.azure.com/path',
  ],
  MANAGED_IDENTITY_CLIENT_ID: ['system-assigned'],
  COMMUNICATION_SERVICES_TOKEN_SCOPES: ['chat,video', 'chat voip', ','],
  COMMUNICATION_SERVICES_TOKEN_LIFETIME_MINUTES: ['59', '1441', '24 hours', '60.5'],
  IDENTITY_STORE: ['cosmos', 'Table', 'graph,table'],
  IDENTITY_STORE_FALLBACK: ['table', 'yes'],
  TABLES_CONNECTION_STRING: [
    'canary-of-no-form',
    'DefaultEndpointsProtocol=https;AccountName=contoso;EndpointSuffix=core.windows.net',
    `DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=${accountKey}`,
    `AccountName=contoso;AccountKey=${accountKey};TableEndpoint=http://contoso.table.core.windows.net`,
    'TableEndpoint=https://contoso.table.core.windows.net/;SharedAccessSignature=sv=2024-11-04&sig=canary',
    'UseDevelopmentStorage=false',
  ],
  TABLES_ENDPOINT: [
    'contoso.table.core.windows.net',
    'http://contoso.table.core.windows.net',
    'https://contoso.table.core.windows.net/identityMappings',
    'https://contoso.table.core.windows.net/?sv=canary',
    'http://127.0.0.1:10002/devstoreaccount1',
  ],
  TABLES_NAME: ['ab', '1mappings', 'identity-mappings', 'Tables', 'c'.repeat(64)],
  GRAPH_ENDPOINT: ['http://graph.microsoft.com', 'https://graph.microsoft.com/v1.0', 'graph.microsoft.com'],
  GRAPH_EXTENSION_NAME: [
    'identityMapping',
    'com.microsoft.identityMapping',
    'COM.Microsoft.identityMapping',
    'com.onmicrosoft.contoso',
    'com.contoso/../../users',
    'com.contoso.',
    `com.${'c'.repeat(120)}`,
  ],
  IDENTITY_MAPPING_KEY: [
    'canary-that-is-no-base64-but-long-enough-for-a-key',
    Buffer.from('canary-of-31-bytes-one-is-short').toString('base64'),
    `${mappingKey},canary`,
    `${mappingKey},${mappingKey}`,
    ',',
  ],
  IDENTITY_MAPPING_UNSIGNED: ['accept', 'true', 'Adopt'],
  ALLOWED_CLIENT_IDS: ['AuthClient', `${clientId};${clientId}`, `${clientId},canary`],
  CORS_ALLOWED_ORIGINS: [
    'app.contoso.com',
    'https://app.contoso.com/',
    'https://app.contoso.com/path',
    'https://APP.contoso.com',
    'https://app.contoso.com https://other.contoso.com',
    'Loopback',
    'null',
  ],
  RATE_LIMIT_USER: ['-1', 'unlimited', '1.5', '1000001'],
  RATE_LIMIT_REJECTED: ['-1', 'unlimited', '1.5', '1000001'],
  OVERLOAD_WAIT_MS: ['-1', '10001', '1.5', 'never'],
  MAX_REQUESTS_IN_FLIGHT: ['-1', '1000001', 'unlimited'],
  TRUST_PROXY_HOPS: ['-1', '11', 'loopback'],
  TOKEN_REUSE_MINUTES: ['-1', '721', 'never'],
  TOKEN_REUSE_CHECK_SECONDS: ['-1', '43201', 'never'],
  TOKEN_CACHE_SIZE: ['0', '-1', '10000001', 'unlimited'],
  IDENTITY_CACHE_SIZE: ['0', '-1', '10000001', 'unlimited'],
  IDENTITY_CACHE_MINUTES: ['-1', '1441', 'forever'],
  OBO_TOKEN_CACHE_SIZE: ['0', '-1', '10000001', 'unlimited'],
  BEARER_TOKEN_CACHE_SIZE: ['0', '-1', '10000001', 'unlimited'],
  API_DOCS: ['yes', 'On', '1'],
  FORWARD_REQUEST_ID: ['yes', 'On', '1'],
  API_DOCS_CLIENT_ID: ['AuthClient'],
  ERROR_DOCUMENTATION_URL: ['/docs/errors', 'ftp://docs.contoso.com'],
  LOG_LEVEL: ['verbose', 'INFO'],
  APPLICATIONINSIGHTS_CONNECTION_STRING: [
    'canary',
    'InstrumentationKey=canary',
    'IngestionEndpoint=https://canary.in.applicationinsights.azure.com/',
    'InstrumentationKey=7e4a0000-0000-4000-8000-000000000001;IngestionEndpoint=http://canary.example/',
  ],
  OTEL_EXPORTER_OTLP_ENDPOINT: [
    'localhost:4318',
    'grpc://collector:4317',
    'http://canary@collector:4318',
    'http://collector:4318?canary',
  ],
  OTEL_TRACES_EXPORTER: ['zipkin', 'otlp,canary'],
};

/** A complete environment in which the setting is read. */
function minimalFor(name: SettingName): Environment {
  if (name.startsWith('TABLES_') || name === 'TOKEN_REUSE_CHECK_SECONDS') return minimalByStore.table;
  const [kind, settings] = Object.entries(minimalByProvider).find(([, { own }]) => name in own) ?? [];
  return kind === undefined || settings === undefined
    ? minimal
    : { ...minimalByStore.acs, IDENTITY_PROVIDER: kind, ...settings.own };
}

const malformedCases = names.flatMap((name) => malformed[name].map((value) => ({ name, value })));

it.each(malformedCases)(
  'rejects $name=$value with a message that does not contain the value',
  ({ name, value }) => {
    const problems = problemsOf({ ...minimalFor(name), [name]: value });
    expect(problems).toHaveLength(1);
    const { description: what, source: where, format: form } = settings[name];
    expect(problems[0]).toMatch(new RegExp(`^${name} is malformed: `));
    for (const part of [what, where, form]) expect(problems[0]).toContain(part);
    // Short values may appear in an explanation by chance.
    if (value.length > 5) expect(problems[0]?.replace(where, '').replace(form, '')).not.toContain(value);
    expect(problems[0]).not.toContain('canary');
    expect(problems[0]).not.toContain(accessKey);
  },
);

it('lists all missing settings together, with their purpose and where to find them', () => {
  const problems = problemsOf({});
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
    'AZURE_TENANT_ID',
    'AZURE_CLIENT_ID',
    'IDENTITY_MAPPING_KEY',
    'AZURE_CLIENT_SECRET',
    'COMMUNICATION_SERVICES_CONNECTION_STRING',
  ]);
  for (const problem of problems) {
    expect(problem).toMatch(/^\w+ is missing: .+\. Expected: .+\. Where to find it: .+\./);
  }
});

it('lists all malformed and missing settings in one message without values', () => {
  // A malformed assertion is not a missing secret.
  const isRead = (name: SettingName) =>
    !/^(TABLES_|IDENTITY_STORE|AZURE_CLIENT_ASSERTION|IDENTITY_PROVIDER|EXTERNAL_ID_|B2C_|OIDC_|TOKEN_REUSE_CHECK)/.test(
      name,
    );
  const broken = names.filter(
    (name) => malformed[name].length > 0 && name !== 'IDENTITY_MAPPING_KEY' && isRead(name),
  );
  const environment = Object.fromEntries(broken.map((name) => [name, malformed[name][0]]));
  let message = '';
  try {
    loadConfig(environment);
  } catch (error) {
    message = error instanceof ConfigError ? error.message : '';
  }
  const lines = message.split('\n');
  expect(lines[0]).toBe(`The server cannot start: ${broken.length + 2} settings are missing or malformed.`);
  for (const name of broken) {
    expect(lines.filter((line) => line.startsWith(`  - ${name} is malformed: `))).toHaveLength(1);
  }
  for (const name of ['AZURE_CLIENT_SECRET', 'IDENTITY_MAPPING_KEY']) {
    expect(lines.filter((line) => line.startsWith(`  - ${name} is missing: `))).toHaveLength(1);
  }
  expect(lines).toHaveLength(1 + broken.length + 2);
  expect(message).not.toContain('canary');
});

it.each(Object.keys(minimal) as (keyof typeof minimal)[])(
  'reports %s as missing if it is absent, empty or blank',
  (name) => {
    for (const value of [undefined, '', '  ']) {
      const problems = problemsOf({ ...minimal, [name]: value });
      expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name} is missing: `))]);
    }
  },
);

it('has the documented defaults for the optional settings', () => {
  const entra = {
    kind: 'entra',
    name: 'entra',
    authorityHost: 'https://login.microsoftonline.com',
    tenantId: minimal.AZURE_TENANT_ID,
    clientId,
    audiences: [clientId, `api://${clientId}`],
    allowedClientIds: [],
    allowedClientIdsSetting: 'ALLOWED_CLIENT_IDS',
  };
  expect(loadConfig(minimal)).toEqual({
    port: 3000,
    production: false,
    logLevel: 'info',
    apiDocs: true,
    forwardRequestId: false,
    apiDocsClientId: undefined,
    errorDocumentation: '/docs/errors',
    trustedProxies: 0,
    corsAllowedOrigins: [],
    cloud: 'public',
    providers: [entra],
    entra: { ...entra, credential: { kind: 'secret', secret: minimal.AZURE_CLIENT_SECRET } },
    verifiedTokenCacheSize: 10_000,
    identities: {
      store: 'graph',
      graph: {
        endpoint: 'https://graph.microsoft.com',
        extensionName: 'com.contoso.identityMapping',
        mappingKeys: [Buffer.from(mappingKey, 'base64')],
        adoptUnsigned: false,
        oboTokenCacheSize: 2_000,
      },
      cache: { size: 50_000, minutes: 60 },
    },
    communication: {
      endpoint: 'https://contoso.communication.azure.com',
      accessKey,
      managedIdentityClientId: undefined,
      workloadIdentity: undefined,
      managedIdentityScope: undefined,
      teamsAudience: 'https://auth.msft.communication.azure.com',
      tokenScopes: ['chat', 'voip'],
      tokenLifetimeInMinutes: 1_440,
      tokenReuseInMinutes: 15,
      tokenCacheSize: 10_000,
    },
    rateLimits: { user: 120, rejected: 600 },
    overload: { maxWaitInMs: 4_000, maxInFlight: 2_000 },
  });
});

it.each<[string, Environment, unknown]>([
  ['a port', { PORT: '8080' }, { port: 8080 }],
  ['spaces around a value', { PORT: ' 8080 ' }, { port: 8080 }],
  [
    'a tenant in upper case',
    { AZURE_TENANT_ID: '7E4A0000-0000-4000-8000-000000000001' },
    { entra: { tenantId: minimal.AZURE_TENANT_ID } },
  ],
  [
    'a sovereign cloud',
    { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us/' },
    { entra: { authorityHost: 'https://login.microsoftonline.us' } },
  ],
  [
    'another audience',
    { AZURE_APP_ID_URI: 'https://contoso.com/api' },
    { entra: { audiences: [clientId, `api://${clientId}`, 'https://contoso.com/api'] } },
  ],
  [
    'the allowed clients',
    { ALLOWED_CLIENT_IDS: ` ${clientId.toUpperCase()} ,, ${clientId}` },
    { entra: { allowedClientIds: [clientId, clientId] } },
  ],
  [
    'origins',
    { CORS_ALLOWED_ORIGINS: 'https://app.contoso.com, http://localhost:5173' },
    { corsAllowedOrigins: ['https://app.contoso.com', 'http://localhost:5173'] },
  ],
  [
    'the domain of a company with a hyphen in its name',
    { GRAPH_EXTENSION_NAME: 'com.north-wind.identityMapping' },
    { identities: { graph: { extensionName: 'com.north-wind.identityMapping' } } },
  ],
  ['any origin', { CORS_ALLOWED_ORIGINS: '*' }, { corsAllowedOrigins: ['*'] }],
  ['any origin of this machine', { CORS_ALLOWED_ORIGINS: 'loopback' }, { corsAllowedOrigins: ['loopback'] }],
  [
    'token scopes',
    { COMMUNICATION_SERVICES_TOKEN_SCOPES: 'chat.join.limited,voip.join' },
    { communication: { tokenScopes: ['chat.join.limited', 'voip.join'] } },
  ],
  [
    'adoption of unsigned mappings',
    { IDENTITY_MAPPING_UNSIGNED: 'adopt' },
    { identities: { graph: { adoptUnsigned: true } } },
  ],
  [
    'no rate limits',
    { RATE_LIMIT_USER: '0', RATE_LIMIT_REJECTED: '0' },
    { rateLimits: { user: 0, rejected: 0 } },
  ],
  [
    'no rejections under load',
    { OVERLOAD_WAIT_MS: '0', MAX_REQUESTS_IN_FLIGHT: '0' },
    { overload: { maxWaitInMs: 0, maxInFlight: 0 } },
  ],
  ['App Service, with its one proxy', { WEBSITE_SITE_NAME: 'contoso' }, { trustedProxies: 1 }],
  [
    'another number of proxies on App Service',
    { WEBSITE_SITE_NAME: 'contoso', TRUST_PROXY_HOPS: '0' },
    { trustedProxies: 0 },
  ],
  ['production, without documents', { NODE_ENV: 'production' }, { production: true, apiDocs: false }],
  [
    'a page for the errors',
    { NODE_ENV: 'production', ERROR_DOCUMENTATION_URL: 'https://docs.contoso.com/errors' },
    { errorDocumentation: 'https://docs.contoso.com/errors' },
  ],
  [
    'production from a file with lines as on Windows, which docker run --env-file does not trim',
    { NODE_ENV: 'production\r' },
    { production: true, apiDocs: false },
  ],
  ['production, with documents', { NODE_ENV: 'production', API_DOCS: 'on' }, { apiDocs: true }],
])('accepts %s', (_, environment, expected) => {
  expect(loadConfig({ ...minimal, ...environment })).toMatchObject(expected as Record<string, unknown>);
});

it.each([
  ['in another order', `accesskey=${accessKey};endpoint=https://contoso.communication.azure.com`],
  ['in another case', `Endpoint=https://contoso.communication.azure.com/;AccessKey=${accessKey}`],
  [
    'with a semicolon at the end',
    `endpoint=https://contoso.communication.azure.com/;accesskey=${accessKey};`,
  ],
])('accepts a connection string %s', (_, text) => {
  const { communication } = loadConfig({ ...minimal, COMMUNICATION_SERVICES_CONNECTION_STRING: text });
  expect(communication).toMatchObject({ endpoint: 'https://contoso.communication.azure.com', accessKey });
});

it('accepts an endpoint instead of a connection string, for a managed identity', () => {
  const { communication } = loadConfig({
    ...minimal,
    COMMUNICATION_SERVICES_CONNECTION_STRING: '',
    COMMUNICATION_SERVICES_ENDPOINT: 'https://contoso.communication.azure.com/',
    MANAGED_IDENTITY_CLIENT_ID: clientId,
  });
  expect(communication).toMatchObject({
    endpoint: 'https://contoso.communication.azure.com',
    accessKey: undefined,
    managedIdentityClientId: clientId,
  });
});

describe('the ways to prove who the server is', () => {
  const none = { ...minimal, AZURE_CLIENT_SECRET: '' };
  const identity = { MANAGED_IDENTITY_CLIENT_ID: clientId };
  const ways = {
    AZURE_CLIENT_SECRET: 'canary~client.secret',
    AZURE_CLIENT_CERTIFICATE_PATH: '/certificates/canary.pem',
    AZURE_CLIENT_ASSERTION: 'managed_identity',
    AZURE_FEDERATED_TOKEN_FILE: '/var/run/canary/token',
  };

  it.each<[keyof typeof ways, unknown]>([
    ['AZURE_CLIENT_SECRET', { kind: 'secret', secret: 'canary~client.secret' }],
    ['AZURE_CLIENT_CERTIFICATE_PATH', { kind: 'certificate', path: '/certificates/canary.pem' }],
    [
      'AZURE_CLIENT_ASSERTION',
      { kind: 'managed_identity', clientId, audience: 'api://AzureADTokenExchange' },
    ],
    ['AZURE_FEDERATED_TOKEN_FILE', { kind: 'token_file', path: '/var/run/canary/token' }],
  ])('may be %s', (name, credential) => {
    expect(loadConfig({ ...none, ...identity, [name]: ways[name] })).toMatchObject({ entra: { credential } });
  });

  const pairs = Object.keys(ways).flatMap((one, index) =>
    Object.keys(ways)
      .slice(index + 1)
      .map((other): [string, string] => [one, other]),
  );
  it.each([
    ...pairs,
    ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'COMMUNICATION_SERVICES_ENDPOINT'] as [string, string],
  ])('may not be both %s and %s', (one, other) => {
    const all: Environment = {
      ...minimal,
      ...ways,
      COMMUNICATION_SERVICES_ENDPOINT: 'https://contoso.communication.azure.com',
    };
    const base = one.startsWith('AZURE') ? none : minimal;
    const problems = problemsOf({ ...base, ...identity, [one]: all[one], [other]: all[other] });
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`^${one} and ${other} are set, but only one of them may be`)),
    ]);
    expect(problems[0]).not.toContain('canary');
  });

  it('are neither read nor required where no call is made on behalf of a user', () => {
    const { entra } = loadConfig({ ...minimalByStore.acs, ...ways });
    expect(entra?.credential).toBeUndefined();
  });

  it('include no identity of Kubernetes for the endpoints unless it is named', () => {
    const settings = {
      ...minimalByStore.acs,
      AZURE_FEDERATED_TOKEN_FILE: ways.AZURE_FEDERATED_TOKEN_FILE,
      COMMUNICATION_SERVICES_CONNECTION_STRING: '',
      COMMUNICATION_SERVICES_ENDPOINT: 'https://contoso.communication.azure.com',
    };
    expect(problemsOf(settings)).toEqual([expect.stringMatching(/^MANAGED_IDENTITY_CLIENT_ID is missing/)]);
    expect(loadConfig({ ...settings, ...identity }).communication).toMatchObject({
      managedIdentityClientId: clientId,
      workloadIdentity: {
        tokenFile: ways.AZURE_FEDERATED_TOKEN_FILE,
        authorityHost: 'https://login.microsoftonline.com',
        tenantId: minimal.AZURE_TENANT_ID,
      },
    });
  });
});

it('accepts an endpoint without TLS on loopback only', () => {
  for (const host of ['localhost:8443', '127.0.0.1']) {
    const text = `endpoint=http://${host}/;accesskey=${accessKey}`;
    expect(problemsOf({ ...minimal, COMMUNICATION_SERVICES_CONNECTION_STRING: text })).toEqual([]);
  }
});

it.each<[SettingName, string, Environment]>([
  ['GRAPH_ENDPOINT', 'https://[::1]:8443', minimal],
  [
    'COMMUNICATION_SERVICES_CONNECTION_STRING',
    `endpoint=https://[2001:db8::1]/;accesskey=${accessKey}`,
    minimal,
  ],
  [
    'COMMUNICATION_SERVICES_ENDPOINT',
    'http://[::1]:8080',
    { ...minimal, COMMUNICATION_SERVICES_CONNECTION_STRING: '' },
  ],
  [
    'TABLES_CONNECTION_STRING',
    'AccountName=devstoreaccount1;AccountKey=AAAA;TableEndpoint=http://[::1]:10002/devstoreaccount1',
    minimalByStore.table,
  ],
  ['TABLES_ENDPOINT', 'https://[2001:db8::1]', { ...minimalByStore.table, TABLES_CONNECTION_STRING: '' }],
])('rejects an IPv6 address in %s', (name, text, environment) => {
  expect(problemsOf({ ...environment, [name]: text })).toEqual([
    expect.stringMatching(new RegExp(`^${name} has an IPv6 address`)),
  ]);
});

it('rejects * and loopback for CORS in production, alone or in a list', () => {
  for (const origins of ['*', 'https://app.contoso.com,*', 'loopback']) {
    const environment = { ...minimal, NODE_ENV: 'production', CORS_ALLOWED_ORIGINS: origins };
    expect(problemsOf(environment)).toEqual([expect.stringMatching(/^CORS_ALLOWED_ORIGINS .*production/)]);
  }
});

it('accepts several mapping keys, the first of which seals', () => {
  const other = Buffer.alloc(32, 'other').toString('base64');
  const { identities } = loadConfig({ ...minimal, IDENTITY_MAPPING_KEY: ` ${mappingKey} , ${other}` });
  const keys = [Buffer.from(mappingKey, 'base64'), Buffer.from(other, 'base64')];
  expect(identities).toMatchObject({ graph: { mappingKeys: keys } });
});

describe('the identity stores', () => {
  it.each(Object.entries(minimalByStore))('%s needs only these settings', (_, environment) => {
    expect(problemsOf(environment)).toEqual([]);
  });

  it.each([
    ['table', 'TABLES_CONNECTION_STRING'],
    ['acs', 'IDENTITY_MAPPING_KEY'],
  ] as const)('%s needs %s', (store, name) => {
    expect(problemsOf({ ...minimalByStore[store], [name]: '' })).toEqual([
      expect.stringMatching(new RegExp(`^${name} is missing: `)),
    ]);
  });

  it.each([
    ['graph', /^TABLES_/],
    ['table', /^(AZURE_CLIENT_(SECRET|ASSERTION)|GRAPH_|IDENTITY_MAPPING_|OBO_)/],
    ['acs', /^(AZURE_CLIENT_SECRET|GRAPH_|IDENTITY_MAPPING_UNSIGNED|IDENTITY_CACHE|OBO_|TABLES_)/],
  ] as const)('%s does not read what it does not need', (store, unused) => {
    const ignored = names.filter((name) => unused.test(name) && malformed[name].length > 0);
    expect(ignored).not.toEqual([]);
    const broken = Object.fromEntries(ignored.map((name) => [name, malformed[name][0]]));
    expect(problemsOf({ ...minimalByStore[store], ...broken })).toEqual([]);
  });

  it('table needs what Microsoft Graph needs while users are moved from there', () => {
    const moving = { ...minimalByStore.table, IDENTITY_STORE_FALLBACK: 'graph' };
    expect(problemsOf(moving).map((problem) => problem.split(' ')[0])).toEqual([
      'IDENTITY_MAPPING_KEY',
      'AZURE_CLIENT_SECRET',
    ]);
    expect(problemsOf({ ...minimal, ...moving })).toEqual([]);
  });

  const otherKey = Buffer.alloc(32, 'other').toString('base64');
  it.each<[string, Environment, RegExp]>([
    [
      'Graph with a fallback to itself',
      { ...minimalByStore.graph, IDENTITY_STORE_FALLBACK: 'graph' },
      /IDENTITY_STORE_FALLBACK=graph .*Set IDENTITY_STORE=table/,
    ],
    [
      'acs with a fallback',
      { ...minimal, ...minimalByStore.acs, IDENTITY_STORE_FALLBACK: 'graph' },
      /cannot be given a custom id.*Set IDENTITY_STORE=table/,
    ],
    [
      'acs with several keys',
      { ...minimalByStore.acs, IDENTITY_MAPPING_KEY: `${mappingKey},${otherKey}` },
      /IDENTITY_MAPPING_KEY has several keys.*Set the one key/,
    ],
    [
      'a connection string and an endpoint',
      { ...minimalByStore.table, TABLES_ENDPOINT: 'https://contoso.table.core.windows.net' },
      /TABLES_CONNECTION_STRING and TABLES_ENDPOINT are set, but only one.*Keep/,
    ],
  ])('refuses %s, says why and what to choose', (_, environment, message) => {
    expect(problemsOf(environment)).toEqual([expect.stringMatching(message)]);
  });

  const cosmos = 'https://contoso.table.cosmos.azure.com:443';
  it.each([
    [
      'of a storage account',
      minimalByStore.table.TABLES_CONNECTION_STRING,
      'https://contoso.table.core.windows.net',
    ],
    [
      'without a suffix',
      `AccountName=contoso;AccountKey=${accountKey}`,
      'https://contoso.table.core.windows.net',
    ],
    [
      'of another cloud',
      `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${accountKey};EndpointSuffix=core.usgovcloudapi.net;`,
      'https://contoso.table.core.usgovcloudapi.net',
    ],
    [
      'of Cosmos DB',
      `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${accountKey};TableEndpoint=${cosmos}/;`,
      'https://contoso.table.cosmos.azure.com',
    ],
    [
      'of Azurite on another port',
      `AccountName=contoso;AccountKey=${accountKey};TableEndpoint=http://127.0.0.1:4711/contoso;`,
      'http://127.0.0.1:4711/contoso',
    ],
  ])('take a connection string %s', (_, text, endpoint) => {
    const { identities } = loadConfig({ ...minimalByStore.table, TABLES_CONNECTION_STRING: text });
    expect(identities).toMatchObject({
      store: 'table',
      table: { endpoint, tableName: 'identityMappings', accountKey: { accountName: 'contoso', accountKey } },
    });
  });

  it('take the short connection string of Azurite', () => {
    const { identities } = loadConfig({
      ...minimalByStore.table,
      TABLES_CONNECTION_STRING: 'UseDevelopmentStorage=true',
    });
    expect(identities).toMatchObject({ table: { endpoint: 'http://127.0.0.1:10002/devstoreaccount1' } });
  });

  it('take an endpoint for a managed identity', () => {
    const { identities } = loadConfig({
      ...minimalByStore.table,
      TABLES_CONNECTION_STRING: '',
      TABLES_ENDPOINT: `${cosmos}/`,
      MANAGED_IDENTITY_CLIENT_ID: clientId,
    });
    expect(identities).toMatchObject({
      table: {
        endpoint: 'https://contoso.table.cosmos.azure.com',
        accountKey: undefined,
        managedIdentityClientId: clientId,
      },
    });
  });

  it("refuse Azurite's published key with a table service that is not on this machine", () => {
    const text = `AccountName=contoso;AccountKey=${developmentAccount.accountKey}`;
    expect(problemsOf({ ...minimalByStore.table, TABLES_CONNECTION_STRING: text })).toEqual([
      expect.stringMatching(/^TABLES_CONNECTION_STRING has the account key that Azurite publishes/),
    ]);
  });
});

describe('the credentials that .env.sample publishes', () => {
  const emulatorUrl = 'https://localhost:8443';
  const published = {
    AZURE_CLIENT_SECRET: authServer.clientSecret,
    COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=${emulatorUrl}/;accesskey=${communicationResource.accessKey}`,
    IDENTITY_MAPPING_KEY: developmentMappingKey,
  };
  const local = {
    ...minimal,
    AZURE_AUTHORITY_HOST: emulatorUrl,
    GRAPH_ENDPOINT: emulatorUrl,
    COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=${emulatorUrl}/;accesskey=${accessKey}`,
  };
  const remote = {
    AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com',
    GRAPH_ENDPOINT: 'https://graph.microsoft.com',
    COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://contoso.communication.azure.com/;accesskey=${accessKey}`,
  };

  it('are those of the emulator', () => {
    expect(publishedCredentials).toEqual({
      clientSecret: authServer.clientSecret,
      accessKey: communicationResource.accessKey,
      mappingKey: developmentMappingKey,
      tablesAccountKey: developmentAccount.accountKey,
    });
  });

  it('start the server against the emulator', () => {
    expect(problemsOf({ ...local, ...published })).toEqual([]);
  });

  const cases = Object.entries(published).flatMap(([name, value]) =>
    Object.entries(remote).map(([service, url]) => ({ name, value, service, url })),
  );
  it.each(cases)('stop the start where $name is published and $service is not on loopback', (row) => {
    const { name, value, service, url } = row;
    const remoteWithKey = name === service ? url.replace(accessKey, communicationResource.accessKey) : url;
    const problems = problemsOf({ ...local, [name]: value, [service]: remoteWithKey });
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`^${name} is the value that .env.sample publishes`)),
    ]);
    expect(problems[0]).not.toContain('emulator-only');
  });

  it('are also rejected as a previous mapping key, which would still verify', () => {
    const IDENTITY_MAPPING_KEY = `${mappingKey},${developmentMappingKey}`;
    expect(problemsOf({ ...minimal, IDENTITY_MAPPING_KEY })).toHaveLength(1);
  });

  it('are all listed together', () => {
    const everything = { ...minimal, ...published, GRAPH_ENDPOINT: remote.GRAPH_ENDPOINT };
    expect(problemsOf(everything).map((problem) => problem.split(' ')[0])).toEqual(Object.keys(published));
  });
});

describe('IDENTITY_PROVIDER', () => {
  const withProvider = (IDENTITY_PROVIDER: string, more: Environment = {}): Environment => ({
    ...minimalByStore.acs,
    ...minimalByProvider.external_id?.own,
    ...minimalByProvider.b2c?.own,
    ...minimalByProvider.oidc?.own,
    IDENTITY_PROVIDER,
    ...more,
  });

  it.each<[string, unknown]>([
    [
      'external_id',
      {
        authorityHost: 'https://contoso.ciamlogin.com',
        clientId,
        allowedClientIdsSetting: 'ALLOWED_CLIENT_IDS',
      },
    ],
    [
      'b2c',
      { authorityHost: 'https://contoso.b2clogin.com', policies: ['B2C_1_susi'], tenantName: 'contoso' },
    ],
    [
      'oidc',
      {
        issuer: 'https://contoso.eu.auth0.com/',
        audience: 'https://api.contoso.com',
        requiredScope: 'access_as_user',
        userClaim: 'sub',
        algorithms: ['RS256', 'PS256', 'ES256'],
        allowedClientIds: [],
      },
    ],
  ])('reads the settings of %s, and needs none of Entra', (kind, expected) => {
    const none = { AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, AZURE_CLIENT_SECRET: undefined };
    const { providers, entra } = loadConfig(withProvider(kind, none));
    expect(providers).toEqual([expect.objectContaining({ kind, name: kind, ...(expected as object) })]);
    expect(entra).toBeUndefined();
  });

  it.each(Object.entries(minimalByProvider))('reports the missing settings of %s', (kind, { own }) => {
    const required = Object.entries(own).filter(([, value]) => value !== '');
    for (const [name] of required) {
      expect(problemsOf(withProvider(kind, { [name]: undefined }))).toEqual([
        expect.stringMatching(new RegExp(`^${name} is missing: `)),
      ]);
    }
  });

  it('reads a further tenant from the settings with its suffix, which have their own defaults', () => {
    const partner = {
      AZURE_TENANT_ID__PARTNER: '0de20000-0000-4000-8000-0000000000ff',
      AZURE_CLIENT_ID__PARTNER: clientId,
    };
    const config = loadConfig(
      withProvider('entra,entra:partner', { ...partner, ALLOWED_CLIENT_IDS: clientId }),
    );
    expect(config.providers).toMatchObject([
      { name: 'entra', tenantId: minimal.AZURE_TENANT_ID, allowedClientIds: [clientId] },
      {
        name: 'entra:partner',
        tenantId: partner.AZURE_TENANT_ID__PARTNER,
        allowedClientIds: [],
        allowedClientIdsSetting: 'ALLOWED_CLIENT_IDS__PARTNER',
      },
    ]);
    expect(problemsOf(withProvider('entra,entra:partner')).map((problem) => problem.split(' ')[0])).toEqual([
      'AZURE_TENANT_ID__PARTNER',
      'AZURE_CLIENT_ID__PARTNER',
    ]);
  });

  it.each(['external_id', 'b2c', 'oidc', 'entra,oidc'])('%s needs another store than graph', (kind) => {
    const problems = problemsOf({ ...withProvider(kind), ...minimal, IDENTITY_STORE: 'graph' });
    expect(problems).toEqual([
      expect.stringMatching(/^IDENTITY_STORE=graph requires IDENTITY_PROVIDER=entra.+IDENTITY_STORE=table/),
    ]);
  });

  it('needs one tenant while users are moved from graph', () => {
    const moving = {
      ...minimalByStore.table,
      ...minimal,
      IDENTITY_STORE: 'table',
      IDENTITY_STORE_FALLBACK: 'graph',
    };
    expect(problemsOf({ ...withProvider('entra,oidc'), ...moving })).toEqual([
      expect.stringMatching(/^IDENTITY_STORE_FALLBACK=graph requires IDENTITY_PROVIDER=entra/),
    ]);
  });

  it.each([
    [
      'the same tenant',
      'entra,entra:again',
      { AZURE_TENANT_ID__AGAIN: minimal.AZURE_TENANT_ID, AZURE_CLIENT_ID__AGAIN: clientId },
    ],
    [
      'the issuer of another kind',
      'b2c,oidc',
      { OIDC_ISSUER: 'https://contoso.b2clogin.com/b2c40000-0000-4000-8000-000000000021/v2.0/' },
    ],
    [
      'the version 2 issuer of a tenant',
      'entra,oidc',
      { OIDC_ISSUER: `https://login.microsoftonline.com/${minimal.AZURE_TENANT_ID}/v2.0` },
    ],
    [
      'the version 1 issuer of a tenant',
      'entra,oidc',
      { OIDC_ISSUER: `https://sts.windows.net/${minimal.AZURE_TENANT_ID}/` },
    ],
  ])('refuses two providers with %s', (_, kinds, more) => {
    expect(problemsOf(withProvider(kinds, more))).toEqual([
      expect.stringMatching(/^IDENTITY_PROVIDER has .+ and .+, which are set to the same tenant or issuer/),
    ]);
  });
});
