import { ClientSecretCredential } from '@azure/identity';
import { BatchRequestContent, BatchResponseContent, Client } from '@microsoft/microsoft-graph-client';
import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

const extensionName = 'com.contoso.identityMapping';
const mapping = {
  '@odata.type': 'microsoft.graph.openTypeExtension',
  extensionName,
  acsUserIdentity: '8:acs:1_2',
};

const graphWith = (token: string): Client =>
  Client.init({
    baseUrl: emulator.url,
    customHosts: new Set(['localhost']),
    authProvider: (done) => done(null, token),
  });

/** Signed in as itself, with the application permissions that an administrator granted. */
async function application(...permissions: string[]): Promise<Client> {
  const { clientId, clientSecret, servicePrincipalId } = emulator.authServer;
  emulator.switches.graphApplicationPermissions = { [servicePrincipalId]: permissions };
  const credential = new ClientSecretCredential(emulator.tenantId, clientId, clientSecret, {
    authorityHost: emulator.url,
    disableInstanceDiscovery: true,
  });
  return graphWith((await credential.getToken('https://graph.microsoft.com/.default')).token);
}

const pathOf = (key: 'alice' | 'bob'): string => `/users/${emulator.users[key].objectId}`;
const denied = { statusCode: 403, code: 'Authorization_RequestDenied' };

describe('An application', () => {
  test('reads any user with User.Read.All, also by sign-in name and with extensions', async () => {
    const graph = await application('User.Read.All');
    emulator.setExtension(emulator.users.bob.objectId, mapping);

    expect(await graph.api(pathOf('bob')).get()).toMatchObject({ displayName: 'Bob Baker' });
    const byName: unknown = await graph
      .api('/users/bob@contoso.example')
      .select('id')
      .expand('extensions')
      .get();
    expect(byName).toMatchObject({ extensions: [{ id: extensionName }] });
    const extension = `${pathOf('bob')}/extensions/${extensionName}`;
    expect(await graph.api(extension).get()).toMatchObject({ acsUserIdentity: '8:acs:1_2' });
    await expect(graph.api(extension).delete()).rejects.toMatchObject(denied);
  });

  test('erases the mapping of any user with User.ReadWrite.All', async () => {
    const graph = await application('User.ReadWrite.All');
    emulator.setExtension(emulator.users.bob.objectId, mapping);

    expect(await graph.api(`${pathOf('bob')}/extensions`).get()).toMatchObject({
      value: [{ id: extensionName }],
    });
    await graph.api(`${pathOf('bob')}/extensions/${extensionName}`).delete();
    expect(emulator.mappings()).toEqual([]);
  });

  test('is refused without a permission, and has no /me', async () => {
    const graph = await application();

    await expect(graph.api(pathOf('bob')).get()).rejects.toMatchObject(denied);
    await expect(graph.api('/users/nobody').get()).rejects.toMatchObject(denied);
    await expect(graph.api('/me').get()).rejects.toMatchObject({ statusCode: 400, code: 'BadRequest' });
  });

  test('finds no user that does not exist', async () => {
    const graph = await application('User.Read.All');

    await expect(graph.api(`/users/${emulator.tenantId}`).get()).rejects.toMatchObject({
      statusCode: 404,
      code: 'Request_ResourceNotFound',
    });
  });
});

test('A user reads itself by id, and others only with a permission for all users', async () => {
  const graph = graphWith(emulator.graphToken());

  expect(await graph.api(pathOf('alice')).get()).toMatchObject({ displayName: 'Alice Archer' });
  await expect(graph.api(pathOf('bob')).get()).rejects.toMatchObject(denied);
  const administrator = graphWith(emulator.graphToken({ scope: 'User.Read.All' }));
  expect(await administrator.api(pathOf('bob')).get()).toMatchObject({ displayName: 'Bob Baker' });
});

describe('A batch', () => {
  interface BatchResponse {
    responses: { id: string; status: number; headers: Record<string, string>; body?: unknown }[];
  }
  const send = async (requests: unknown): Promise<BatchResponse['responses']> =>
    ((await graphWith(emulator.graphToken()).api('/$batch').post({ requests })) as BatchResponse).responses;
  const json = { 'Content-Type': 'application/json' };

  test('of the real SDK has a response for each request', async () => {
    // The SDK takes the host away, and nothing else.
    const url = 'https://graph.microsoft.com/me';
    const content = new BatchRequestContent([
      { id: '1', request: new Request(url) },
      { id: '2', request: new Request(`${url}/extensions/com.contoso.none`) },
    ]);
    const reply = (await graphWith(emulator.graphToken())
      .api('/$batch')
      .post(await content.getContent())) as ConstructorParameters<typeof BatchResponseContent>[0];

    const responses = new BatchResponseContent(reply);
    expect(await responses.getResponseById('1').json()).toMatchObject({ displayName: 'Alice Archer' });
    expect(responses.getResponseById('2').status).toBe(404);
  });

  test('runs requests after those that they depend on, and not if those failed', async () => {
    const extensions = '/me/extensions';
    const responses = await send([
      { id: 'read', method: 'GET', url: `${extensions}/${extensionName}`, dependsOn: ['write'] },
      { id: 'write', method: 'POST', url: extensions, headers: json, body: mapping },
      { id: 'bad', method: 'DELETE', url: `${extensions}/com.contoso.none` },
      { id: 'never', method: 'DELETE', url: `${extensions}/${extensionName}`, dependsOn: ['bad'] },
      // As the SDK for PHP writes a request without headers.
      { id: 'query', method: 'GET', url: 'me?$select=id', headers: null, dependsOn: null, body: null },
    ]);

    const statuses = Object.fromEntries(responses.map(({ id, status }) => [id, status]));
    expect(statuses).toEqual({ read: 200, write: 201, bad: 404, never: 424, query: 200 });
    const query = responses.find(({ id }) => id === 'query');
    expect(query?.body).toMatchObject({ id: emulator.users.alice.objectId });
    expect(query?.headers).toHaveProperty('Content-Type');
    expect(query?.headers).toHaveProperty('OData-Version', '4.0');
    expect(emulator.mappings()).toHaveLength(1);
  });

  test('may have a request for the secrets of an application', async () => {
    const secrets = `applications?$filter=appId eq '${emulator.authServer.clientId}'&$select=passwordCredentials`;

    expect(await send([{ id: '1', method: 'GET', url: secrets }])).toMatchObject([{ id: '1', status: 403 }]);
  });

  const one = { id: '1', method: 'GET', url: '/me' };
  test.each<[string, unknown]>([
    ['no requests', []],
    ['more than 20 requests', Array.from({ length: 21 }, (_, id) => ({ ...one, id: String(id) }))],
    ['an id twice', [one, one]],
    [
      'a cycle',
      [
        { ...one, dependsOn: ['2'] },
        { ...one, id: '2', dependsOn: ['1'] },
      ],
    ],
    ['a dependency that is not in it', [{ ...one, dependsOn: ['2'] }]],
    ['an absolute url', [{ ...one, url: 'https://graph.microsoft.com/me' }]],
    ['a body without its type', [{ ...one, method: 'POST', body: {} }]],
  ])('with %s is refused as a whole', async (_name, requests) => {
    await expect(send(requests)).rejects.toMatchObject({ statusCode: 400, code: 'BadRequest' });
  });
});

const getAs = async (target: string): Promise<Response> =>
  await fetch(`${emulator.url}${target}`, { headers: { authorization: `Bearer ${emulator.graphToken()}` } });

test.each([
  '/v1.0/me/?$select=id,displayName&$expand=extensions',
  '/V1.0/Me?$Select=ID,DisplayName&$Expand=Extensions',
  '/v1.0/Users/ALICE@contoso.example?$SELECT=Id,displayname&$EXPAND=extensions',
])('the case of names and a slash at the end do not matter: %s', async (target) => {
  const { objectId: id } = emulator.users.alice;
  emulator.setExtension(id, mapping);
  const context = `${emulator.url}/v1.0/$metadata#users`;

  expect(await (await getAs(target)).json()).toEqual({
    '@odata.context': `${context}(id,displayName)/$entity`,
    id,
    displayName: 'Alice Archer',
    'extensions@odata.context': `${context}('${id}')/extensions`,
    extensions: [expect.objectContaining({ id: extensionName })],
  });
  const extensions = await getAs('/v1.0/me/Extensions/?$Select=id');
  expect(await extensions.json()).toMatchObject({ value: [{ id: extensionName }] });
});

test.each([
  ['/v1.0/me?$select=id,userType', '$select=userType of a user'],
  ['/v1.0/me?$select=*', '$select=* of a user'],
  ['/v1.0/me?$select=id,extensions&$expand=extensions', '$select=extensions of a user'],
  ['/v1.0/users/$count', 'GET /v1.0/users/$count'],
  ['/v1.0/users/delta', 'The function delta of users'],
  ['/v1.0/users/delta()', 'The function delta of users'],
  ['/v1.0/me/extensions/$count', 'GET /v1.0/me/extensions/$count'],
])('what only the real Graph has is reported as not emulated, not as unknown: %s', async (target, what) => {
  const warn = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const response = await getAs(target);

    expect(await response.json()).toEqual({
      error: { code: 'NotEmulated', message: `${what} is not emulated` },
    });
    expect(response.status).toBe(501);
  } finally {
    warn.mockRestore();
  }
});
