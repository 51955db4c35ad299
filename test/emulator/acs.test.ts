import { startEmulator, type Emulator } from '../../emulator/startEmulator';
import { type AcsRequest, callAcs } from './acsRequest';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());
afterEach(() => jest.restoreAllMocks());

const issue = (id: string, body: unknown): AcsRequest => ({
  path: `/identities/${encodeURIComponent(id)}/:issueAccessToken`,
  body,
});
const exchange = (body: unknown): AcsRequest => ({ path: '/teamsUser/:exchangeAccessToken', body });
const scopes = ['chat', 'voip'];

interface Refusal {
  status: number;
  code: string;
  message: string;
  target?: string;
}

const denied = (message = 'Denied by the resource provider.'): Refusal => ({
  status: 401,
  code: 'Denied',
  message,
});
const invalid = (target: string, message: string): Refusal => ({
  status: 400,
  code: 'ValidationError',
  message,
  target,
});
const unsupported = (path: string, version: string): Refusal => ({
  status: 400,
  code: 'UnsupportedApiVersion',
  message: `The HTTP resource that matches the request URI 'URL${path}' does not support the API version '${version}'.`,
});
const invalidToken: Refusal = {
  status: 401,
  code: 'InvalidAccessToken',
  message: 'Provided access token is not valid.',
};

describe('ACS refuses', () => {
  const otherId = '00000000-0000-4000-8000-000000000000';
  const wrongTokens = [
    'expired',
    'wrong_audience',
    'bad_signature',
    'truncated',
    'no_scope',
    'not_a_token',
  ] as const;

  test.each<[string, () => AcsRequest, Refusal]>([
    [
      'a signature by another key',
      () => ({
        path: '/identities',
        tamper: ({ headers }) => {
          headers.authorization = headers.authorization?.replace(/.{8}=$/, 'AAAAAAAA=') ?? '';
        },
      }),
      denied(),
    ],
    [
      'no signature at all',
      () => ({
        path: '/identities',
        tamper: ({ headers }) => void Reflect.deleteProperty(headers, 'authorization'),
      }),
      denied(),
    ],
    [
      'a body that was not signed',
      () => ({
        path: '/identities',
        body: {},
        tamper: (sent) => void (sent.body = '{"createTokenWithScopes":[]}'),
      }),
      denied("Request 'x-ms-content-sha256' differs from generated content hash."),
    ],
    [
      'a date that is six minutes old',
      () => ({ path: '/identities', date: new Date(Date.now() - 6 * 60_000) }),
      denied(
        'The time difference between the originating client and the server is greater than the allowed margin of 5 minutes.',
      ),
    ],
    [
      'a call without an api-version',
      () => ({ path: '/identities', apiVersion: null }),
      {
        status: 400,
        code: 'ApiVersionUnspecified',
        message: 'An API version is required, but was not specified.',
      },
    ],
    [
      'an unknown api-version',
      () => ({ path: '/identities', apiVersion: '2020-01-01' }),
      unsupported('/identities', '2020-01-01'),
    ],
    [
      'the Teams exchange in an older api-version',
      () => ({ ...exchange({}), apiVersion: '2021-11-01' }),
      unsupported('/teamsUser/:exchangeAccessToken', '2021-11-01'),
    ],
    [
      'reading an identity in the preview of another feature',
      () => ({ method: 'GET', path: '/identities/8:acs:1_2', apiVersion: '2021-10-31-preview' }),
      unsupported('/identities/8:acs:1_2', '2021-10-31-preview'),
    ],
    [
      'an identity of another resource',
      () => issue(emulator.createForeignIdentity(), { scopes }),
      { status: 401, code: 'IdentityNotOwned', message: "Provided identity doesn't belong to the resource." },
    ],
    [
      'a deleted identity',
      () => {
        const id = emulator.createIdentity();
        emulator.deleteIdentity(id);
        return issue(id, { scopes });
      },
      { status: 404, code: 'IdentityNotFound', message: "Provided identity doesn't exist." },
    ],
    [
      'a lifetime of more than a day',
      () => issue(emulator.createIdentity(), { scopes, expiresInMinutes: 1441 }),
      invalid(
        'ExpiresInMinutes',
        'ExpiresInMinutes value 1441 is invalid. Value must be within the [60, 1440] interval.',
      ),
    ],
    [
      'a lifetime of less than an hour',
      () => ({ path: '/identities', body: { createTokenWithScopes: scopes, expiresInMinutes: 59 } }),
      invalid(
        'ExpiresInMinutes',
        'ExpiresInMinutes value 59 is invalid. Value must be within the [60, 1440] interval.',
      ),
    ],
    [
      'scopes that are null',
      () => issue(emulator.createIdentity(), { scopes: null }),
      invalid('Scopes', 'Scopes: The Scopes field is required.'),
    ],
    [
      'no scope',
      () => issue(emulator.createIdentity(), { scopes: [] }),
      invalid('scopes', 'Invalid scopes - Scopes field is required.'),
    ],
    [
      'an unknown scope',
      () => issue(emulator.createIdentity(), { scopes: ['chat', 'everything'] }),
      invalid('scopes', 'Invalid scopes - everything is not a known scope.'),
    ],
    ...wrongTokens.map((defect): [string, () => AcsRequest, Refusal] => [
      `a wrong Teams token: ${defect}`,
      () => exchange({ token: emulator.teamsToken({ defect }), appId: '', userId: '' }),
      invalidToken,
    ]),
    [
      'an empty Teams token, before other checks',
      () => exchange({ token: '', appId: otherId, userId: '' }),
      invalidToken,
    ],
    [
      'a missing app id with a valid Teams token',
      () => exchange({ token: emulator.teamsToken(), appId: '', userId: '' }),
      invalid('AppId', 'AppId: The AppId field is required.'),
    ],
    [
      'a malformed app id',
      () => exchange({ token: emulator.teamsToken(), appId: 'x', userId: otherId }),
      invalid('appId', 'Provided AppId has invalid format.'),
    ],
    [
      'the app id of another application',
      () => exchange({ token: emulator.teamsToken(), appId: emulator.authServer.clientId, userId: otherId }),
      invalid('appId', 'AAD application is not the expected one.'),
    ],
    [
      'a malformed user id',
      () => exchange({ token: emulator.teamsToken(), appId: emulator.authClient.clientId, userId: 'x' }),
      invalid('userId', 'Provided UserId has invalid format.'),
    ],
    [
      'the user id of another user',
      () => exchange({ token: emulator.teamsToken(), appId: emulator.authClient.clientId, userId: otherId }),
      invalid('userId', 'Provided AAD token issued for unexpected user.'),
    ],
    [
      'a user without a Teams license',
      () =>
        exchange({
          token: emulator.teamsToken({ user: 'bob' }),
          appId: emulator.authClient.clientId,
          userId: emulator.users.bob.objectId,
        }),
      { status: 403, code: 'Forbidden', message: 'The user is not licensed for Teams.' },
    ],
  ])('%s', async (_name, request, { status, ...error }) => {
    // The real service returns the string that should have been signed.
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const response = await callAcs(emulator, request());

    expect(response.status).toBe(status);
    const message = error.message.replace('URL', emulator.url);
    expect(await response.json()).toEqual({ error: { ...error, message } });
  });
});

describe('ACS responds', () => {
  test('with its headers, and with an expiry in the round-trip format', async () => {
    const response = await callAcs(emulator, {
      path: '/identities',
      body: { createTokenWithScopes: ['chat'], expiresInMinutes: 90 },
      tamper: ({ headers }) => void (headers['x-ms-client-request-id'] = 'mine'),
    });

    expect(response.status).toBe(201);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'api-supported-versions': expect.stringContaining('2023-10-01') as unknown,
      'x-ms-client-request-id': 'mine',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(await response.json()).toMatchObject({
      identity: { id: expect.stringMatching(/^8:acs:[-\da-f]{36}_[-\da-f]{36}$/) as unknown },
      accessToken: { expiresOn: expect.stringMatching(/^[-\d]{10}T[:\d]{8}\.\d{7}\+00:00$/) as unknown },
    });
  });

  const beforeTeams = ['2021-02-22-preview1', '2021-03-07', '2021-11-01'];
  const stable = ['2022-06-01', '2022-10-01', '2023-08-01', '2023-10-01', '2025-06-30', '2026-07-22'];
  const teams = ['2021-10-31-preview', ...stable];
  const previews = ['2025-03-02-preview', '2025-04-01-preview'];
  test.each<[string, () => AcsRequest, string[]]>([
    ['the creation of an identity', () => ({ path: '/identities' }), [...beforeTeams, ...teams, ...previews]],
    [
      'the Teams exchange',
      () => exchange({ token: emulator.teamsToken(), appId: 'x', userId: 'x' }),
      [...teams, ...previews],
    ],
    ['reading an identity', () => ({ method: 'GET', path: '/identities/8:acs:1_2' }), previews],
  ])('%s in each of its api-versions, and lists them', async (_what, request, versions) => {
    const replies = versions.map(async (apiVersion) => {
      const response = await callAcs(emulator, { ...request(), apiVersion });
      expect(await response.text()).not.toContain('UnsupportedApiVersion');
      return response.headers.get('api-supported-versions')?.split(', ').sort();
    });

    expect(await Promise.all(replies)).toEqual(versions.map(() => [...versions].sort()));
  });

  test('the Teams exchange of its first preview, which has a token only', async () => {
    const request = { ...exchange({ token: emulator.teamsToken() }), apiVersion: '2021-10-31-preview' };

    expect((await callAcs(emulator, request)).status).toBe(200);
  });

  test('501 in the first api-version, whose operations were different', async () => {
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const response = await callAcs(emulator, { path: '/identities', apiVersion: '2020-07-20-preview2' });

    expect(response.status).toBe(501);
  });

  test('a call that is dated and signed by Date instead of x-ms-date', async () => {
    const response = await callAcs(emulator, {
      path: '/identities',
      tamper: ({ headers }) => {
        headers.date = headers['x-ms-date'] ?? '';
        Reflect.deleteProperty(headers, 'x-ms-date');
        headers.authorization = headers.authorization?.replace('=x-ms-date;', '=date;') ?? '';
      },
    });

    expect(response.status).toBe(201);
  });

  test('204 to a second deletion, or 404 where the switch says so', async () => {
    const path = `/identities/${encodeURIComponent(emulator.createIdentity())}`;
    const remove = async (): Promise<number> => (await callAcs(emulator, { method: 'DELETE', path })).status;

    expect([await remove(), await remove()]).toEqual([204, 204]);
    emulator.switches.deleteOfDeletedIdentityStatus = 404;
    expect(await remove()).toBe(404);
  });

  test('429 beyond a limit, with Retry-After where the limit says so', async () => {
    emulator.switches.createLimit = { count: 2, perSeconds: 30, retryAfter: true };
    const responses = await Promise.all([1, 2, 3].map(() => callAcs(emulator, { path: '/identities' })));

    expect(responses.map(({ status }) => status).sort()).toEqual([201, 201, 429]);
    const throttled = responses.find(({ status }) => status === 429);
    expect(Number(throttled?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(emulator.identities()).toHaveLength(2);
  });
});
