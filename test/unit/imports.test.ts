import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const dist = join(__dirname, '../../dist');

const accessKey = Buffer.from('access-key').toString('base64');
const settings = {
  AZURE_TENANT_ID: '7e4a0000-0000-4000-8000-000000000001',
  AZURE_CLIENT_ID: 'a9150000-0000-4000-8000-000000000002',
  COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://contoso.communication.azure.com/;accesskey=${accessKey}`,
};
const mappingKey = { IDENTITY_MAPPING_KEY: Buffer.alloc(32, 'mapping key').toString('base64') };

interface Loaded {
  packages: string[];
  dispatcher: boolean;
}

/** The loaded packages and the global dispatcher of a process that has built all parts of the server. */
function loadParts(environment: Record<string, string>): Loaded {
  const script = `
    require(${JSON.stringify(join(dist, 'app'))});
    const { loadConfig } = require(${JSON.stringify(join(dist, 'config/config'))});
    const { createLogger } = require(${JSON.stringify(join(dist, 'logger'))});
    const { createServices } = require(${JSON.stringify(join(dist, 'composition'))});
    const log = createLogger({ level: 'silent', secrets: [] });
    createServices(loadConfig(${JSON.stringify(environment)}), log).then(() => {
      const files = Object.keys(require.cache).flatMap((file) => /node_modules[\\\\/]((?:@[^\\\\/]+[\\\\/])?[^\\\\/]+)/.exec(file)?.[1] ?? []);
      const dispatcher = Symbol.for('undici.globalDispatcher.1') in globalThis;
      // Without waiting until telemetry has been exported to a collector that is not there.
      process.stdout.write(JSON.stringify({ packages: [...new Set(files)], dispatcher }), () => process.exit());
    });`;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as Loaded;
}

const always = [
  '@azure/communication-identity',
  '@azure/identity',
  '@azure/msal-node',
  'swagger-ui-dist',
  'yaml',
  'marked',
  '@azure/data-tables',
  // Telemetry is off.
  '@opentelemetry/api',
  '@opentelemetry/core',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-metrics',
  '@azure/monitor-opentelemetry-exporter',
];
const graphClient = '@microsoft/microsoft-graph-client';

describe.each([
  { store: 'graph', more: { ...mappingKey, AZURE_CLIENT_SECRET: 'secret' }, unused: always },
  {
    store: 'table',
    more: { TABLES_ENDPOINT: 'https://contoso.table.core.windows.net' },
    unused: [...always, graphClient],
  },
  { store: 'acs', more: mappingKey, unused: [...always, graphClient] },
  {
    store: 'acs',
    more: {
      ...mappingKey,
      IDENTITY_PROVIDER: 'oidc',
      OIDC_ISSUER: 'https://contoso.eu.auth0.com/',
      OIDC_AUDIENCE: 'https://api.contoso.com',
    },
    unused: [...always, graphClient, 'passport-azure-ad'],
  },
])('a server with the identity store $store', ({ store, more, unused }) => {
  const { packages, dispatcher } = loadParts({ ...settings, ...more, IDENTITY_STORE: store });

  it('does not set the global dispatcher of the process', () => {
    expect(dispatcher).toBe(false);
  });

  it.each(unused)('does not load %s', (name) => {
    expect(packages).toContain('express');
    expect(packages).not.toContain(name);
  });
});

describe('a package that is loaded on demand', () => {
  const loaded = (module: string, use: string) => {
    const script = `
      const module = require(${JSON.stringify(join(dist, module))});
      Promise.resolve(module.${use}).then(() => {
        process.stdout.write(JSON.stringify(Object.keys(require.cache)), () => process.exit());
      });`;
    return JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as string[];
  };
  const msalOptions = {
    authorityHost: 'https://login.microsoftonline.com',
    tenantId: 'a',
    clientId: 'b',
    proof: { clientSecret: 'c' },
  };
  const endpoint = 'https://contoso.communication.azure.com';

  // As ES modules, MSAL takes 100 ms more.
  it.each([
    ['@azure/msal-node', 'entra/msalClient', `createMsalClient(${JSON.stringify(msalOptions)})`],
    [
      '@azure/communication-identity',
      'acs/acsSdk',
      `createSdkClient({ endpoint: '${endpoint}', accessKey: 'YQ==' }, {})()`,
    ],
    [
      '@azure/data-tables',
      'identities/stores/table/tableClient',
      `createTableClient({ endpoint: '${endpoint}', tableName: 'a' }, {})`,
    ],
  ])('is loaded as CommonJS: %s', (name, module, use) => {
    const folder = join('node_modules', name);
    expect(loaded(module, use).filter((file) => file.includes(folder))).not.toEqual([]);
  });
});

describe('telemetry', () => {
  const store = { ...mappingKey, AZURE_CLIENT_SECRET: 'secret' };
  const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };

  it('to a collector does not load the exporter for Application Insights', () => {
    const { packages } = loadParts({ ...settings, ...store, ...collector });
    expect(packages).toContain('@opentelemetry/sdk-metrics');
    expect(packages).not.toContain('@azure/monitor-opentelemetry-exporter');
  });

  it('on the console loads no exporter', () => {
    const { packages } = loadParts({ ...settings, ...store, OTEL_TRACES_EXPORTER: 'console' });
    expect(packages).toContain('@opentelemetry/sdk-trace-base');
    expect(packages.filter((name) => name.includes('exporter'))).toEqual([]);
  });
});
