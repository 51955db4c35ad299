import { startEmulator, type Emulator, type TokenOptions } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());
afterEach(() => jest.restoreAllMocks());

const type = 'microsoft.graph.openTypeExtension';
const extensionName = 'com.contoso.identityMapping';
const mapping = { '@odata.type': type, extensionName, acsUserIdentity: '8:acs:1_2' };

interface GraphCall {
  method?: string;
  path: string;
  body?: unknown;
  token?: TokenOptions | string;
  contentType?: string;
}

async function callGraph({
  method = 'GET',
  path,
  body,
  token = {},
  contentType = 'application/json',
}: GraphCall): Promise<Response> {
  const bearer = typeof token === 'string' ? token : emulator.graphToken(token);
  return await fetch(`${emulator.url}/v1.0${path}`, {
    method,
    headers: {
      'content-type': contentType,
      'client-request-id': 'mine',
      ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

interface List {
  value: unknown[];
}

const create = (body: unknown = mapping): GraphCall => ({ method: 'POST', path: '/me/extensions', body });
const one = `/me/extensions/${extensionName}`;

describe('Graph refuses', () => {
  test.each<[string, () => GraphCall, number, string, string | RegExp]>([
    [
      'no token',
      () => ({ path: '/me', token: '' }),
      401,
      'InvalidAuthenticationToken',
      'Access token is empty.',
    ],
    [
      'an expired token',
      () => ({ path: '/me', token: { defect: 'expired' } }),
      401,
      'InvalidAuthenticationToken',
      'Lifetime validation failed, the token is expired.',
    ],
    [
      'a token for another audience',
      () => ({ path: '/me', token: { defect: 'wrong_audience' } }),
      401,
      'InvalidAuthenticationToken',
      'Access token validation failure. Invalid audience.',
    ],
    [
      'the token of the API',
      () => ({ path: '/me', token: emulator.accessToken() }),
      401,
      'InvalidAuthenticationToken',
      'Access token validation failure. Invalid audience.',
    ],
    [
      'a modified token',
      () => ({ path: '/me', token: { defect: 'tampered_claims' } }),
      401,
      'InvalidAuthenticationToken',
      'Access token validation failure. Signature is invalid.',
    ],
    [
      'a forged token for Graph',
      () => ({ path: '/me', token: emulator.accessToken({ version: 1, defect: 'graph_audience' }) }),
      401,
      'InvalidAuthenticationToken',
      'Access token validation failure. Signature is invalid.',
    ],
    [
      'garbage',
      () => ({ path: '/me', token: 'garbage' }),
      401,
      'InvalidAuthenticationToken',
      /not well formed/,
    ],
    [
      'a write with User.Read alone',
      () => ({ ...create(), token: { scope: 'User.Read' } }),
      403,
      'Authorization_RequestDenied',
      'Insufficient privileges to complete the operation.',
    ],
    [
      'a read without any permission',
      () => ({ path: '/me/extensions', token: { scope: 'openid' } }),
      403,
      'Authorization_RequestDenied',
      'Insufficient privileges to complete the operation.',
    ],
    [
      'an extension that is not declared as JSON',
      () => ({ ...create(), contentType: 'text/plain;charset=UTF-8' }),
      400,
      'BadRequest',
      'Entity only allows writes with a JSON Content-Type header.',
    ],
    [
      'an extension that is no object',
      () => create('{'),
      400,
      'BadRequest',
      /^Unable to read JSON request payload/,
    ],
    [
      'an extension without its type',
      () => create({ extensionName }),
      400,
      'Request_BadRequest',
      /@odata\.type/,
    ],
    [
      'an extension of more than 2 KB',
      () => create({ ...mapping, long: 'x'.repeat(2048) }),
      400,
      'Request_BadRequest',
      /2 KB/,
    ],
    [
      'a name reserved by Microsoft',
      () => create({ ...mapping, extensionName: 'com.microsoft.mapping' }),
      400,
      'Request_BadRequest',
      /name/,
    ],
    [
      'a name under the domain of Microsoft tenants',
      () => create({ ...mapping, extensionName: 'Com.OnMicrosoft.contoso' }),
      400,
      'Request_BadRequest',
      /name/,
    ],
    [
      'to read a missing extension',
      () => ({ path: one }),
      404,
      'ResourceNotFound',
      'Extension with given id not found.',
    ],
    [
      'to replace a missing extension',
      () => ({ method: 'PATCH', path: one, body: mapping }),
      404,
      'ResourceNotFound',
      'Extension with given id not found.',
    ],
    [
      'to delete a missing extension',
      () => ({ method: 'DELETE', path: one }),
      404,
      'ResourceNotFound',
      'Extension with given id not found.',
    ],
    [
      'to select an unknown property',
      () => ({ path: '/me?$select=id,shoeSize' }),
      400,
      'BadRequest',
      /named 'shoeSize'/,
    ],
  ])('%s', async (_name, call, status, code, message) => {
    const response = await callGraph(call());

    expect(response.status).toBe(status);
    expect(response.headers.get('client-request-id')).toBe('mine');
    expect(response.headers.get('www-authenticate')).toBe(
      status === 401
        ? `Bearer realm="", authorization_uri="${emulator.url}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`
        : null,
    );
    expect(await response.json()).toEqual({
      error: {
        code,
        message: typeof message === 'string' ? message : (expect.stringMatching(message) as unknown),
        innerError: {
          date: expect.stringMatching(/^[-\d]{10}T[:\d]{8}$/) as unknown,
          'request-id': response.headers.get('request-id'),
          'client-request-id': 'mine',
        },
      },
    });
    expect(emulator.mappings()).toEqual([]);
  });

  test.each([400, 409] as const)('a second extension of the same name with %i', async (status) => {
    emulator.switches.duplicateExtensionStatus = status;
    await callGraph(create());
    const second = await callGraph(create({ ...mapping, acsUserIdentity: 'other' }));

    expect(second.status).toBe(status);
    expect(await second.json()).toMatchObject({
      error: { code: 'Request_BadRequest', message: 'An extension already exists with given id.' },
    });
    expect(emulator.mappings()).toMatchObject([{ extension: { acsUserIdentity: '8:acs:1_2' } }]);
  });

  test('a third extension of one app, not of another', async () => {
    for (const name of ['com.contoso.one', 'com.contoso.two'])
      await callGraph(create({ ...mapping, extensionName: name }));

    const third = await callGraph(create());
    expect(third.status).toBe(400);
    expect(await third.json()).toMatchObject({
      error: { message: 'Maximum number of extensions values supported per application is 2.' },
    });
    expect((await callGraph({ ...create(), token: { client: 'another app' } })).status).toBe(201);
  });

  test('a user who must sign in again, with a claims challenge', async () => {
    emulator.switches.graphRejectsWithClaims.add(emulator.users.alice.objectId);
    const response = await callGraph({ path: '/me' });

    expect(response.status).toBe(401);
    const claims = /error="insufficient_claims", claims="([^"]+)"/.exec(
      response.headers.get('www-authenticate') ?? '',
    );
    expect(Buffer.from(claims?.[1] ?? '', 'base64').toString()).toContain('polids');
  });

  test('more calls than its limit', async () => {
    emulator.switches.graphLimit = { count: 1, perSeconds: 10, retryAfter: true };
    const [first, second] = [await callGraph({ path: '/me' }), await callGraph({ path: '/me' })];

    expect([first.status, second.status]).toEqual([200, 429]);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    emulator.switches.graphLimit = undefined;
    emulator.fail({ operation: 'graph', kind: 'status', status: 429 });
    const faked = await callGraph({ path: '/me' });
    for (const throttled of [second, faked]) {
      expect(await throttled.json()).toMatchObject({
        error: {
          code: 'TooManyRequests',
          message: 'Please retry again later.',
          innerError: { code: '429', message: 'Please retry after', status: '429' },
        },
      });
    }
  });
});

describe('Graph', () => {
  test('replaces all properties of an extension, and returns 204, or 200 with a body', async () => {
    await callGraph(create());
    const first = await callGraph({ method: 'PATCH', path: one, body: { '@odata.type': type, other: 1 } });
    emulator.switches.patchAnswersBody = true;
    const second = await callGraph({ method: 'PATCH', path: one, body: { '@odata.type': type, other: 2 } });

    expect([first.status, second.status]).toEqual([204, 200]);
    expect(await second.json()).toMatchObject({ id: extensionName, other: 2 });
    const [stored] = emulator.mappings();
    expect(stored?.extension).toEqual({
      '@odata.type': `#${type}`,
      id: extensionName,
      extensionName,
      other: 2,
    });
  });

  test('returns extensions with an id only if the switch says so', async () => {
    emulator.switches.onlyIdInExtensions = true;
    await callGraph(create());
    const user: unknown = await (await callGraph({ path: '/me?$select=id&$expand=extensions' })).json();

    expect(user).toMatchObject({ extensions: [{ id: extensionName, acsUserIdentity: '8:acs:1_2' }] });
    expect(JSON.stringify(user)).not.toContain('extensionName');
  });

  test.each([
    ['id', { id: extensionName }],
    ['acsUserIdentity, id', { id: extensionName, acsUserIdentity: '8:acs:1_2' }],
    ['acsUserIdentity,other', { acsUserIdentity: '8:acs:1_2' }],
    ['*', { id: extensionName, extensionName, acsUserIdentity: '8:acs:1_2' }],
  ])('returns the selected properties of an extension: %s', async (select, properties) => {
    await callGraph(create());
    const query = `?$select=${encodeURIComponent(select)}`;
    const type = '#microsoft.graph.openTypeExtension';
    const expected = { '@odata.context': expect.any(String) as unknown, '@odata.type': type, ...properties };

    expect(await (await callGraph({ path: `${one}${query}` })).json()).toEqual(expected);
    const { value } = (await (await callGraph({ path: `/me/extensions${query}` })).json()) as List;
    expect(value).toEqual([{ '@odata.type': type, ...properties }]);
  });

  test.each(['$expand=id', '$filter=id eq 1', '$top=1'])(
    'does not ignore the query option %s',
    async (query) => {
      jest.spyOn(process.stderr, 'write').mockReturnValue(true);
      await callGraph(create());

      expect((await callGraph({ path: `${one}?${query}` })).status).toBe(501);
      expect((await callGraph({ path: `/me/extensions?${query}` })).status).toBe(501);
    },
  );

  test.each(['com.north-wind.settings', 'settings'])('stores an extension named %s', async (name) => {
    expect((await callGraph(create({ ...mapping, extensionName: name }))).status).toBe(201);

    expect(await (await callGraph({ path: `/me/extensions/${name}` })).json()).toMatchObject({ id: name });
  });

  test('accepts spaces between the selected properties', async () => {
    const response = await callGraph({ path: '/me?$select=displayName,%20id' });

    expect(await response.json()).toMatchObject({
      displayName: 'Alice Archer',
      id: emulator.users.alice.objectId,
    });
  });

  test('finds an extension also by its name with the type in front', async () => {
    await callGraph(create());
    const path = `/me/extensions/${type}.${extensionName}`;

    expect((await callGraph({ method: 'PATCH', path, body: mapping })).status).toBe(204);
    expect(await (await callGraph({ path })).json()).toMatchObject({ id: extensionName });
    expect((await callGraph({ method: 'DELETE', path })).status).toBe(204);
    expect(emulator.mappings()).toEqual([]);
  });

  test.each([
    ['extensions', ['com.contoso.other', extensionName]],
    [`extensions($filter=id eq '${extensionName}')`, [extensionName]],
    [`extensions($filter=id eq '${type}.${extensionName}')`, [extensionName]],
    ["extensions($filter=id eq 'com.contoso.none')", []],
  ])('expands a user with %s', async (expand, ids) => {
    await callGraph(create());
    await callGraph(create({ ...mapping, extensionName: 'com.contoso.other' }));
    const response = await callGraph({ path: `/me?$select=id&$expand=${encodeURIComponent(expand)}` });

    const { extensions } = (await response.json()) as { extensions: { id: string }[] };
    expect(extensions.map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  test('returns the extensions only if the id is selected', async () => {
    await callGraph(create());

    expect(await (await callGraph({ path: '/me?$expand=extensions' })).json()).not.toHaveProperty(
      'extensions',
    );
  });

  test('returns stale reads during the replica lag, and checks writes against the current state', async () => {
    emulator.switches.replicaLagInMs = 60_000;
    expect((await callGraph(create())).status).toBe(201);

    expect((await callGraph({ path: one })).status).toBe(404);
    expect((await callGraph(create())).status).toBe(400);
    emulator.switches.clockOffsetInMs = 61_000;
    expect((await callGraph({ path: one })).status).toBe(200);
  });
});
