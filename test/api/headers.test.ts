import { type ApiResponse, expectCommonHeaders } from '../support/responses';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const token = () => system.emulator.accessToken();

describe('every response', () => {
  it.each<[string, number, () => PromiseLike<ApiResponse>]>([
    ['a token', 200, () => system.call('get', '/getToken', token())],
    ['a user', 201, () => system.call('post', '/api/user', token())],
    ['a deleted user', 204, () => system.call('delete', '/deleteUser', token())],
    ['health', 200, () => system.call('get', '/health/live')],
    ['readiness', 200, () => system.call('get', '/health/ready')],
    ['OPTIONS', 204, () => system.call('options', '/getToken')],
    ['a rejected token', 401, () => system.call('get', '/getToken', 'not-a-token')],
    ['an unknown path', 404, () => system.call('get', '/nothing')],
    ['a wrong method', 405, () => system.call('put', '/getToken')],
    ['too large a body', 413, () => system.call('post', '/getToken').send('e'.repeat(100_000))],
  ])('(%s) disables caching and sniffing', async (_, status, send) => {
    await system.call('get', '/getToken', token());
    const response = await send();
    expect(response.status).toBe(status);
    expectCommonHeaders(response);
    expect(response.headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'strict-transport-security': expect.stringMatching(/^max-age=[1-9]\d{6,}/),
    });
    for (const absent of ['etag', 'server', 'x-powered-by', 'set-cookie', 'access-control-allow-origin']) {
      expect(response.headers[absent]).toBeUndefined();
    }
  });

  it('has no ETag to revalidate', async () => {
    const response = await system.call('get', '/getToken', token()).set('If-None-Match', '*');
    expect(response.status).toBe(200);
  });
});

describe('the request id', () => {
  it('is generated for every request, even if the caller sends one', async () => {
    const ids = new Set<unknown>();
    for (let request = 0; request < 5; request += 1) {
      const response = await system.call('get', '/health/live').set('x-ms-request-id', 'mine');
      ids.add(response.headers['x-ms-request-id']);
    }
    expect(ids.size).toBe(5);
    expect(ids).not.toContain('mine');
  });

  it('from the client is returned and logged', async () => {
    const response = await system.call('get', '/getToken').set('x-ms-client-request-id', 'a-7_Z');
    expect(response.headers['x-ms-client-request-id']).toBe('a-7_Z');
    const lines = system.rawLog.map((line) => JSON.parse(line) as unknown);
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: 'request',
        requestId: response.headers['x-ms-request-id'],
        clientRequestId: 'a-7_Z',
        path: '/getToken',
        status: 401,
        error: 'missing_token',
      }),
    );
  });

  it.each(['with a space', 'x'.repeat(65), 'a.b', '<script>'])(
    'from the client is ignored if it has unsafe characters or is too long (%s)',
    async (id) => {
      const response = await system.call('get', '/getToken').set('x-ms-client-request-id', id);
      expect(response.headers['x-ms-client-request-id']).toBeUndefined();
    },
  );
});

it('logs one line for each request, without its query', async () => {
  const server = await startReadyServer(system);
  const before = server.rawLog.length;
  await server.call('get', '/nothing?access_token=canary');
  const lines = server.rawLog.slice(before);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'info',
    message: 'request',
    method: 'GET',
    path: '/nothing',
    status: 404,
    error: 'not_found',
    milliseconds: expect.any(Number),
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  });
  expect(lines.join('')).not.toContain('canary');
});

describe('CORS', () => {
  const origin = 'https://app.contoso.com';
  const others = ['http://localhost:5173'];
  let server: TestServer;
  beforeAll(async () => {
    server = await startReadyServer(system, { CORS_ALLOWED_ORIGINS: [origin, ...others].join(', ') });
  });

  let local: Promise<TestServer> | undefined;
  const localServer = () => (local ??= startReadyServer(system, { CORS_ALLOWED_ORIGINS: 'loopback' }));

  const preflight = (from: string, path = '/getToken', method = 'GET') =>
    server
      .call('options', path)
      .set('Origin', from)
      .set('Access-Control-Request-Method', method)
      .set('Access-Control-Request-Headers', 'authorization,teams-user-aad-token');

  /** The items of a header that is a list. */
  const listed = (value: string | undefined) =>
    (value ?? '').split(',').map((item) => item.trim().toLowerCase());

  it.each([
    ['/getToken', 'GET'],
    ['/api/token', 'POST'],
    ['/exchangeToken', 'POST'],
    ['/deleteUser', 'DELETE'],
    ['/api/user', 'DELETE'],
  ])('allows a listed origin to call %s (%s), for a day', async (path, method) => {
    const { status, headers } = await preflight(origin, path, method);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-max-age': '86400',
    });
    expect(listed(headers['access-control-allow-methods'])).toContain(method.toLowerCase());
    expect(listed(headers['access-control-allow-headers'])).toEqual(
      expect.arrayContaining(['authorization', 'teams-user-aad-token', 'content-type', 'cache-control']),
    );
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(listed(headers.vary)).toContain('origin');
  });

  it.each<[string, number, () => ReturnType<TestServer['call']>]>([
    ['a token', 200, () => server.call('get', '/getToken', token())],
    ['a rejected token', 401, () => server.call('get', '/getToken', 'not-a-token')],
    [
      'a missing scope',
      403,
      () => server.call('get', '/getToken', system.emulator.accessToken({ scope: null })),
    ],
    ['an unknown path', 404, () => server.call('get', '/nothing')],
    ['too large a body', 413, () => server.call('post', '/getToken').send('e'.repeat(100_000))],
  ])('allows a listed origin to read %s, and the headers that a client needs', async (_, status, send) => {
    const { headers, ...response } = await send().set('Origin', origin);
    expect(response.status).toBe(status);
    expect(headers['access-control-allow-origin']).toBe(origin);
    expect(listed(headers['access-control-expose-headers'])).toEqual(
      expect.arrayContaining(['www-authenticate', 'retry-after', 'x-ms-request-id', 'x-ms-error-code']),
    );
  });

  it('allows each listed origin by name', async () => {
    for (const each of [origin, ...others]) {
      expect((await preflight(each)).headers['access-control-allow-origin']).toBe(each);
    }
  });

  it.each([
    'https://app.contoso.com.attacker.example',
    'https://attacker.example',
    'https://sub.app.contoso.com',
    'http://app.contoso.com',
    'https://app.contoso.com:8443',
    'HTTPS://APP.CONTOSO.COM',
    'null',
  ])('rejects any other origin: %s', async (from) => {
    expect((await preflight(from)).headers['access-control-allow-origin']).toBeUndefined();
    const response = await server.call('get', '/getToken', token()).set('Origin', from);
    expect(response.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each<[string, boolean]>([
    ['http://localhost:5180', true],
    ['http://localhost', true],
    ['https://localhost:3001', true],
    ['http://127.0.0.1:8080', true],
    ['http://[::1]:4200', true],
    ['http://localhost.attacker.example:5180', false],
    ['http://attacker.example:5180', false],
    ['http://localhost:5180.attacker.example', false],
    ['http://127.0.0.1.attacker.example', false],
    ['null', false],
  ])('with loopback, allows every origin of this machine: %s: %s', async (from, allowed) => {
    const local = await localServer();
    const { headers } = await local.call('get', '/getToken', token()).set('Origin', from);
    expect(headers['access-control-allow-origin']).toBe(allowed ? from : undefined);
  });

  it('rejects every origin if none is listed', async () => {
    const response = await system.call('get', '/getToken', token()).set('Origin', origin);
    expect(response.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('allows every origin with *, outside production', async () => {
    const open = await startReadyServer(system, { CORS_ALLOWED_ORIGINS: '*' });
    const response = await open.call('get', '/getToken', token()).set('Origin', 'https://anywhere.example');
    expect(response.headers['access-control-allow-origin']).toBe('*');
    expect(response.headers['access-control-allow-credentials']).toBeUndefined();
  });
});
