import { readSettings } from '../../playground/settings';

/** The settings in the .env of the API. */
const api = { AZURE_TENANT_ID: 'the-tenant', AZURE_CLIENT_ID: 'the-api', PORT: '3001' };

it.each([
  [
    'follow from those of the API',
    { ...api, PLAYGROUND_CLIENT_ID: 'the-page' },
    {
      provider: 'entra',
      authority: 'https://login.microsoftonline.com/the-tenant',
      clientId: 'the-page',
      apiScope: 'api://the-api/access_as_user',
      apiUrl: 'http://localhost:3001',
    },
  ],
  [
    'use the cloud of the API',
    { ...api, PLAYGROUND_CLIENT_ID: 'the-page', AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us' },
    {
      provider: 'entra',
      authority: 'https://login.microsoftonline.us/the-tenant',
      clientId: 'the-page',
      apiScope: 'api://the-api/access_as_user',
      apiUrl: 'http://localhost:3001',
    },
  ],
  [
    'can all be given',
    {
      PLAYGROUND_PROVIDER: 'b2c',
      PLAYGROUND_CLIENT_ID: ' the-page ',
      PLAYGROUND_AUTHORITY: 'https://login.example/tenant/',
      PLAYGROUND_API_SCOPE: 'api://other/access_as_user',
      PLAYGROUND_API_URL: 'https://api.example/',
    },
    {
      provider: 'b2c',
      authority: 'https://login.example/tenant',
      clientId: 'the-page',
      apiScope: 'api://other/access_as_user',
      apiUrl: 'https://api.example',
    },
  ],
])('settings %s', (_, environment, settings) => {
  expect(readSettings(environment)).toEqual(settings);
});

it.each([
  ['nothing', {}, ['PLAYGROUND_AUTHORITY', 'PLAYGROUND_CLIENT_ID', 'PLAYGROUND_API_SCOPE']],
  ['no app', api, ['PLAYGROUND_CLIENT_ID']],
  [
    'an authority without TLS',
    { ...api, PLAYGROUND_CLIENT_ID: 'the-page', PLAYGROUND_AUTHORITY: 'http://login.example/tenant' },
    ['PLAYGROUND_AUTHORITY'],
  ],
  [
    'no URL of the API',
    { ...api, PLAYGROUND_CLIENT_ID: 'the-page', PLAYGROUND_API_URL: 'api.example' },
    ['PLAYGROUND_API_URL'],
  ],
])('settings with %s are refused, and each is named', (_, environment, names) => {
  const lines = (): string[] => {
    try {
      readSettings(environment);
      return [];
    } catch (error) {
      return (error as Error).message.split('\n');
    }
  };
  expect(lines()).toEqual(names.map((name): unknown => expect.stringContaining(name)));
});
