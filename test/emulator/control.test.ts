import { startEmulator, type Emulator } from '../../emulator/startEmulator';
import { callAcs } from './acsRequest';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

async function control(
  method: string,
  name: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${emulator.url}/_emulator/${name}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

describe('over HTTP the emulator', () => {
  test('lists its control calls', async () => {
    const { status, body } = await control('GET', '');

    expect(status).toBe(200);
    const { control: calls } = body as { control: { call: string; does: string }[] };
    const expected = [
      'POST /_emulator/reset',
      'POST /_emulator/token',
      'POST /_emulator/fail',
      'PUT /_emulator/switches',
    ];
    expect(calls.map(({ call }) => call)).toEqual(expect.arrayContaining(expected));
  });

  test.each<[string, unknown, Record<string, () => string>]>([
    [
      'token',
      { user: 'bob', claims: { nonce: 'x', name: null } },
      { oid: () => emulator.users.bob.objectId, nonce: () => 'x' },
    ],
    ['token', {}, { oid: () => emulator.users.alice.objectId, scp: () => 'access_as_user' }],
    ['token', { version: 1, scope: 'other' }, { ver: () => '1.0', scp: () => 'other' }],
    ['teams-token', undefined, { oid: () => emulator.users.carol.objectId }],
    ['id-token', {}, { aud: () => emulator.authClient.clientId }],
    ['app-only-token', {}, { idtyp: () => 'app' }],
    ['graph-token', {}, { aud: () => 'https://graph.microsoft.com' }],
  ])('mints: %s %j', async (name, options, expected) => {
    const { body } = await control('POST', name, options);

    const { accessToken } = body as { accessToken: string };
    const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as object;
    const wanted = Object.fromEntries(Object.entries(expected).map(([claim, value]) => [claim, value()]));
    expect(claims).toMatchObject(wanted);
    if ('nonce' in expected) expect(claims).not.toHaveProperty('name');
  });

  test('fails, counts, shows and resets', async () => {
    const fault = { operation: 'acs', kind: 'status', status: 503, times: 'always' };
    expect((await control('POST', 'fail', fault)).status).toBe(204);
    expect((await callAcs(emulator, { path: '/identities' })).status).toBe(503);
    expect((await control('GET', 'calls')).body).toEqual({ 'acs.identity.create': 1 });
    expect((await control('POST', 'reset')).status).toBe(204);
    expect((await control('GET', 'calls')).body).toEqual({});
    expect((await callAcs(emulator, { path: '/identities' })).status).toBe(201);
    expect((await control('GET', 'identities')).body).toHaveLength(1);
    expect((await control('GET', 'requests')).body).toMatchObject([
      { path: '/identities', status: 201, milliseconds: expect.any(Number) as unknown },
    ]);
  });

  test('selects requests by the id that their client sent, and by time', async () => {
    const before = Date.now();
    const callAs = (id: string) =>
      callAcs(emulator, {
        path: '/identities',
        tamper: ({ headers }) => void (headers['x-ms-client-request-id'] = id),
      });
    await callAs('one');
    await callAs('two');
    const selected = (query: string) => control('GET', `requests?${query}`);
    expect((await selected('clientRequestId=two')).body).toMatchObject([{ clientRequestId: 'two' }]);
    expect((await selected(`since=${before}`)).body).toHaveLength(2);
    expect((await selected(`since=${Date.now() + 1_000}`)).body).toEqual([]);
    expect((await selected('id=two')).status).toBe(400);
  });

  test('ends faults and delays', async () => {
    await control('POST', 'fail', { operation: 'acs', kind: 'status', status: 503, times: 'always' });
    await control('POST', 'delay', { operation: 'acs', milliseconds: 60_000 });
    expect((await control('DELETE', 'fail')).status).toBe(204);
    expect((await callAcs(emulator, { path: '/identities' })).status).toBe(201);
  });

  test('changes switches, users, keys and mappings', async () => {
    const { alice } = emulator.users;
    const limit = { count: 1, perSeconds: 10, retryAfter: false };
    await control('PUT', 'switches', { requireMfaFor: [alice.objectId], issueLimit: limit });
    expect(emulator.switches.requireMfaFor.has(alice.objectId)).toBe(true);
    expect(emulator.switches.issueLimit).toEqual(limit);
    expect((await control('PUT', 'switches', { issueLimit: null })).body).toMatchObject({
      requireMfaFor: [alice.objectId],
      issueLimit: null,
    });
    expect(emulator.switches.issueLimit).toBeUndefined();

    expect((await control('POST', 'users', { name: 'Dave Dyer' })).body).toMatchObject({
      userPrincipalName: 'dave.dyer@contoso.example',
    });
    expect((await control('POST', 'delay', { operation: 'graph', milliseconds: 1 })).status).toBe(204);
    expect((await control('POST', 'rotate-keys')).status).toBe(204);

    const extension = { extensionName: 'com.contoso.x', value: 1 };
    await control('PUT', 'mappings', { userObjectId: alice.objectId, extension });
    expect((await control('GET', 'mappings')).body).toMatchObject([
      { userObjectId: alice.objectId, extension },
    ]);
    await control('DELETE', 'mappings', { userObjectId: alice.objectId, extensionName: 'com.contoso.x' });
    expect(emulator.mappings()).toEqual([]);
    expect((await control('GET', 'settings')).body).toEqual(emulator.settings());
  });

  test.each<[string, string, string, unknown, Record<string, string>, number]>([
    ['an unknown call', 'POST', 'explode', {}, {}, 404],
    ['an unknown option', 'POST', 'token', { usr: 'bob' }, {}, 400],
    ['an unknown defect', 'POST', 'token', { defect: 'evil' }, {}, 400],
    ['an unknown user', 'POST', 'token', { user: 'unknown' }, {}, 400],
    ['a fault of an unknown operation', 'POST', 'fail', { operation: 'x', kind: 'drop' }, {}, 400],
    ['an unknown switch', 'PUT', 'switches', { unknown: true }, {}, 400],
    ['a form', 'POST', 'token', {}, { 'content-type': 'text/plain' }, 400],
    ['a web page', 'POST', 'token', {}, { origin: 'https://attacker.example' }, 403],
    [
      'a web page, detected by Sec-Fetch-Site',
      'GET',
      'settings',
      undefined,
      { 'sec-fetch-site': 'cross-site' },
      403,
    ],
  ])('refuses %s', async (_name, method, name, body, headers, status) => {
    const reply = await control(method, name, body, headers);

    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ error: { code: 'Control', message: expect.any(String) as unknown } });
  });
});
