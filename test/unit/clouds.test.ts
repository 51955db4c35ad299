import { cloudOfUrl } from '../../src/config/clouds';
import { type Environment, loadConfig } from '../../src/config/config';

const tenantId = '7e4a0000-0000-4000-8000-000000000001';
const key = Buffer.from('a-key-that-is-32-bytes-or-longer').toString('base64');
const minimal = {
  AZURE_TENANT_ID: tenantId,
  AZURE_CLIENT_ID: 'a9150000-0000-4000-8000-000000000002',
  AZURE_CLIENT_ASSERTION: 'managed_identity',
  IDENTITY_MAPPING_KEY: key,
  COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://contoso.communication.azure.com/;accesskey=${key}`,
};

/** The endpoints that the settings result in. */
function endpointsOf(environment: Environment) {
  const { cloud, entra, identities, communication } = loadConfig(environment);
  const tables = loadConfig({
    ...environment,
    IDENTITY_STORE: 'table',
    TABLES_CONNECTION_STRING: `AccountName=contoso;AccountKey=${key}`,
  }).identities;
  return {
    cloud,
    authorityHost: entra?.authorityHost,
    graph: identities.store === 'graph' && identities.graph.endpoint,
    exchangeAudience: entra?.credential?.kind === 'managed_identity' && entra.credential.audience,
    communicationScope: communication.managedIdentityScope,
    teamsAudience: communication.teamsAudience,
    tables: tables.store === 'table' && tables.table.endpoint,
  };
}

/** Published in Microsoft's "National clouds", "Microsoft Graph deployments" and "Workload identity federation". */
const published = {
  public: {
    cloud: 'public',
    authorityHost: 'https://login.microsoftonline.com',
    graph: 'https://graph.microsoft.com',
    exchangeAudience: 'api://AzureADTokenExchange',
    communicationScope: undefined,
    teamsAudience: 'https://auth.msft.communication.azure.com',
    tables: 'https://contoso.table.core.windows.net',
  },
  usgovernment: {
    cloud: 'usgovernment',
    authorityHost: 'https://login.microsoftonline.us',
    graph: 'https://graph.microsoft.us',
    exchangeAudience: 'api://AzureADTokenExchangeUSGov',
    communicationScope: 'https://communication.azure.us/.default',
    teamsAudience: 'https://auth.msft.communication.azure.us',
    tables: 'https://contoso.table.core.usgovcloudapi.net',
  },
  china: {
    cloud: 'china',
    authorityHost: 'https://login.partner.microsoftonline.cn',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    exchangeAudience: 'api://AzureADTokenExchangeChina',
    communicationScope: undefined,
    teamsAudience: 'https://auth.msft.communication.azure.com',
    tables: 'https://contoso.table.core.chinacloudapi.cn',
  },
};
const table = Object.entries(published);

it.each(table)('AZURE_CLOUD=%s chooses all endpoints together', (name, endpoints) => {
  expect(endpointsOf({ ...minimal, AZURE_CLOUD: name })).toEqual(endpoints);
});

it.each(table)('without AZURE_CLOUD, the sign-in host chooses the cloud: %s', (_name, endpoints) => {
  expect(endpointsOf({ ...minimal, AZURE_AUTHORITY_HOST: endpoints.authorityHost })).toEqual(endpoints);
});

it('a single setting overrides the cloud', () => {
  const settings = {
    ...minimal,
    AZURE_CLOUD: 'usgovernment',
    GRAPH_ENDPOINT: 'https://dod-graph.microsoft.us',
    AZURE_AUTHORITY_HOST: 'https://localhost:8443',
  };
  expect(endpointsOf(settings)).toEqual({
    ...published.usgovernment,
    graph: 'https://dod-graph.microsoft.us',
    authorityHost: 'https://localhost:8443',
  });
});

it('a managed identity cannot be used at Communication Services with the cloud in China', () => {
  const settings = {
    ...minimal,
    AZURE_CLOUD: 'china',
    COMMUNICATION_SERVICES_CONNECTION_STRING: '',
    COMMUNICATION_SERVICES_ENDPOINT: 'https://contoso.communication.azure.com',
  };
  expect(() => loadConfig(settings)).toThrow(/Communication Services is not offered in that cloud/);
});

it.each([
  ['https://login.chinacloudapi.cn', 'china'],
  ['https://dod-graph.microsoft.us', 'usgovernment'],
  ['https://contoso.communication.azure.us', 'usgovernment'],
  ['https://contoso.unitedstates.communication.azure.com', 'public'],
  ['https://contoso.table.cosmos.azure.com', 'public'],
  ['https://localhost:8443', undefined],
  ['https://notgraph.microsoft.us.example', undefined],
  ['https://evil-login.microsoftonline.com', undefined],
])('the cloud of %s is %s', (url, cloud) => {
  expect(cloudOfUrl(url)).toBe(cloud);
});
