import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

type Fields = Record<string, string>;

async function post(
  body: string | URLSearchParams,
  headers: Fields = {},
): Promise<{ status: number; body: unknown }> {
  const url = `${emulator.url}/${emulator.tenantId}/oauth2/v2.0/token`;
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, body: await response.json() };
}

const basic = (id: string, secret: string): Fields => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
});

describe('a client with its secret in the Authorization header (RFC 6749, section 2.3.1)', () => {
  const form = (): URLSearchParams =>
    new URLSearchParams({ grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default' });

  test('gets a token', async () => {
    const secret = 'a secret: with % and +';
    emulator.applications.addSecret('AuthServer', secret);

    const reply = await post(form(), basic(emulator.authServer.clientId, secret));

    expect(reply).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
  });

  test.each<[string, () => Fields, number, number]>([
    ['a wrong secret', () => basic(emulator.authServer.clientId, 'wrong'), 401, 7000215],
    ['an unknown client', () => basic('0ffb0000-0000-4000-8000-0000000000ff', 'x'), 400, 700016],
    ['something else', () => ({ authorization: 'Basic !' }), 400, 900144],
  ])('is refused with %s', async (_what, headers, status, code) => {
    expect(await post(form(), headers())).toMatchObject({ status, body: { error_codes: [code] } });
  });
});

test('an application has a secret until it expires', async () => {
  const { clientId } = emulator.authServer;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'https://graph.microsoft.com/.default',
  });
  emulator.applications.addSecret('AuthServer', 'old', new Date(Date.now() + 60_000));
  emulator.applications.addSecret('AuthServer', 'new');
  expect((await post(form, basic(clientId, 'old'))).status).toBe(200);

  emulator.switches.clockOffsetInMs = 60_000;
  expect(await post(form, basic(clientId, 'old'))).toMatchObject({
    status: 401,
    body: {
      error: 'invalid_client',
      error_codes: [7000222],
      error_description: expect.stringMatching(
        /^AADSTS7000222: The provided client secret keys .*are expired/,
      ) as unknown,
    },
  });
  expect((await post(form, basic(clientId, 'new'))).status).toBe(200);

  emulator.applications.addSecret('AuthServer', 'old');
  expect((await post(form, basic(clientId, 'old'))).status).toBe(200);
});

test.each(['https://communication.azure.com', 'https://storage.azure.com'])(
  'an application gets its own token for %s, which every tenant has',
  async (resource) => {
    const { clientId, clientSecret } = emulator.authServer;
    const form = { grant_type: 'client_credentials', scope: `${resource}/.default` };

    const { body } = await post(new URLSearchParams(form), basic(clientId, clientSecret));

    const { access_token: token } = body as Fields;
    const claims = Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString();
    expect(JSON.parse(claims)).toMatchObject({ aud: resource, idtyp: 'app' });
  },
);

test.each([
  'https://graph.microsoft.com/.default',
  'https://graph.microsoft.com//.default',
  '00000003-0000-0000-c000-000000000000/.default',
])('Graph accepts an application with a token for %s', async (scope) => {
  const { clientId, clientSecret, servicePrincipalId } = emulator.authServer;
  emulator.switches.graphApplicationPermissions = { [servicePrincipalId]: ['User.Read.All'] };
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope });

  const { body } = await post(form, basic(clientId, clientSecret));
  expect(await statusOfGraph((body as Fields).access_token)).toBe(200);
});

test.each([
  'https://graph.microsoft.com',
  'https://graph.microsoft.com/',
  '00000003-0000-0000-c000-000000000000',
])('Graph accepts a managed identity with a token for %s', async (resource) => {
  const { systemAssigned } = emulator.managedIdentities;
  emulator.switches.graphApplicationPermissions = { [systemAssigned.objectId]: ['User.Read.All'] };
  const { IDENTITY_ENDPOINT: endpoint = '', IDENTITY_HEADER: header = '' } =
    emulator.managedIdentitySettings();

  const response = await fetch(`${endpoint}?api-version=2019-08-01&resource=${resource}`, {
    headers: { 'x-identity-header': header },
  });
  const { access_token: token } = (await response.json()) as Fields;
  expect(await statusOfGraph(token)).toBe(200);
});

async function statusOfGraph(token = ''): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${emulator.url}/v1.0/users/${emulator.users.bob.objectId}`, { headers })).status;
}

test('an application gets no token for two resources in one request', async () => {
  const { appIdUri, clientId, clientSecret } = emulator.authServer;
  const scope = `https://graph.microsoft.com/.default ${appIdUri}/.default`;
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope });

  expect(await post(form, basic(clientId, clientSecret))).toMatchObject({
    status: 400,
    body: { error_codes: [28000] },
  });
});

describe("the tenant's domain in place of its id", () => {
  const domainUrl = (path: string): string => `${emulator.url}/Contoso.example/${path}`;

  test('leads to a discovery document with the id', async () => {
    const response = await fetch(domainUrl('v2.0/.well-known/openid-configuration'));

    const ofTenant = `${emulator.url}/${emulator.tenantId}`;
    expect(await response.json()).toMatchObject({
      issuer: `${ofTenant}/v2.0`,
      token_endpoint: `${ofTenant}/oauth2/v2.0/token`,
    });
  });

  test('is good for a token request', async () => {
    const { clientId, clientSecret } = emulator.authServer;
    const response = await fetch(domainUrl('oauth2/v2.0/token'), {
      method: 'POST',
      headers: basic(clientId, clientSecret),
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'https://graph.microsoft.com/.default',
      }),
    });

    expect(response.status).toBe(200);
  });
});

test.each<[string, string, string, number]>([
  ['no tenant has', '7e4a0000-0000-4000-8000-0000000000ff', 'invalid_tenant', 90002],
  ['no tenant has, with a domain', 'fabrikam.example', 'invalid_tenant', 90002],
  ['no tenant can have', 'undefined', 'invalid_request', 900023],
])('a token request with an identifier that %s is refused: %s', async (_what, tenant, error, code) => {
  const response = await fetch(`${emulator.url}/${tenant}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });

  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error,
    error_codes: [code],
    error_description: expect.stringContaining(`'${tenant}'`) as unknown,
  });
});

describe('a token request without a grant type', () => {
  test.each<[string, string, Fields]>([
    ['in an empty body', '', {}],
    ['in JSON', '{"grant_type":"client_credentials"}', { 'content-type': 'application/json' }],
    ['in a body that is not declared as a form', 'grant_type=client_credentials', {}],
  ])('%s is refused', async (_what, body, headers) => {
    expect(await post(body, headers)).toMatchObject({
      status: 400,
      body: {
        error: 'invalid_request',
        error_codes: [900144],
        error_description: expect.stringContaining("'grant_type'") as unknown,
      },
    });
  });
});

test.each([
  ['a refusal', 'oauth2/v2.0/token', 400],
  ['a response', 'discovery/v2.0/keys', 200],
])("%s has the client's id of the request, if the client wants it back", async (_what, path, status) => {
  const idAfter = async (headers: Fields) => {
    const method = path.endsWith('token') ? 'POST' : 'GET';
    const sent = { 'client-request-id': 'mine', ...headers };
    const response = await fetch(`${emulator.url}/${emulator.tenantId}/${path}`, { method, headers: sent });
    expect(response.status).toBe(status);
    return response.headers.get('client-request-id');
  };

  expect(await idAfter({ 'return-client-request-id': 'true' })).toBe('mine');
  expect(await idAfter({})).toBeNull();
});

test('a token request with a grant type that Entra does not have is refused', async () => {
  expect(await post(new URLSearchParams({ grant_type: 'client_credential' }))).toMatchObject({
    status: 400,
    body: {
      error: 'unsupported_grant_type',
      error_codes: [70003],
      error_description: expect.stringContaining("'client_credential'") as unknown,
    },
  });
});

describe('a user name and password', () => {
  const signIn = (fields: Fields = {}) =>
    post(
      new URLSearchParams({
        grant_type: 'password',
        client_id: emulator.authClient.clientId,
        username: 'alice@contoso.example',
        password: 'guessed',
        scope: 'openid',
        ...fields,
      }),
    );

  test.each<[string, () => Fields, string, number]>([
    ['of a user, none of whom has a password', () => ({}), 'invalid_grant', 50126],
    ['of an unknown user', () => ({ username: 'nobody@contoso.example' }), 'invalid_grant', 50034],
    [
      'from a client that must authenticate',
      () => ({ client_id: emulator.authServer.clientId }),
      'invalid_client',
      7000218,
    ],
  ])('%s are refused', async (_what, fields, error, code) => {
    expect(await signIn(fields())).toMatchObject({ body: { error, error_codes: [code] } });
  });

  test('are what MSAL tries, since the emulator federates no domain', async () => {
    const response = await fetch(`${emulator.url}/common/userrealm/alice@contoso.example?api-version=1.0`);

    expect(await response.json()).toMatchObject({ account_type: 'Managed', domain_name: 'contoso.example' });
  });
});
