import { generateKeyPairSync } from 'node:crypto';
import { type AccessTokenOptions, allDefects, type Defect } from '../../emulator/startEmulator';
import { type ApiResponse, challengesOf, expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { fakeDate, fakeMonotonicClock } from '../support/clock';
import { rawRequest } from '../support/rawRequest';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { type Forbidden, outcomes } from '../support/tokenOutcomes';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  system.emulator.reset();
});
afterAll(() => system.stop());

/** An operation that checks the caller first and then reports the missing Teams token, without any upstream call. */
const guarded = '/exchangeToken';

function expectAccepted(response: ApiResponse): void {
  expectError(response, { status: 400, code: 'teams_token_missing', target: 'teamsUserAadToken' });
}

function expectInvalid(response: ApiResponse, reason: string): void {
  const challenge = challengesOf(system.emulator).invalidToken;
  expectError(response, { status: 401, code: 'invalid_token', innererror: { code: reason }, challenge });
}

function expectForbidden(response: ApiResponse, code: Forbidden): void {
  const challenge = challengesOf(system.emulator).insufficientScope;
  expectError(response, { status: 403, code, challenge });
}

function expectMissing(response: ApiResponse): void {
  expectError(response, {
    status: 401,
    code: 'missing_token',
    challenge: challengesOf(system.emulator).withoutError,
  });
}

const entraMetadata = { 'entra.discovery': 2, 'entra.keys': 1 };

describe.each([1, 2] as const)('a version %d access token', (version) => {
  let server: TestServer;
  beforeAll(async () => (server = await startReadyServer(system)));

  it.each(allDefects)('with the defect %s gets the expected response', async (defect) => {
    const { emulator } = system;
    const outcome = outcomes[defect];
    const made = await callsDuring(emulator, async () => {
      const response = await server.call('get', guarded, emulator.accessToken({ version, defect }));
      if (outcome === 'accepted') expectAccepted(response);
      else if (typeof outcome === 'string') expectForbidden(response, outcome);
      else expectInvalid(response, outcome.invalid);
    });
    // An unknown key may be new, so the keys are fetched once.
    expect(made).toEqual(defect === 'unknown_key' ? entraMetadata : {});
  });

  it.each<[string, AccessTokenOptions]>([
    ['as Entra issues it', {}],
    ['for the application id', { claims: { aud: 'a9150000-0000-4000-8000-000000000002' } }],
    ['for the application id URI', { claims: { aud: 'api://a9150000-0000-4000-8000-000000000002' } }],
    ['with several scopes', { scope: 'openid access_as_user profile' }],
    ['for a user with a role', { claims: { roles: ['Reader'] } }],
    ['that expired within the clock tolerance', { claims: expiredLifetime(100) }],
    ['that becomes valid within the clock tolerance', { claims: { nbf: nowInSeconds() + 250 } }],
    ['without nbf', { claims: { nbf: undefined } }],
    ['with the right kid and a different x5t', { header: { x5t: 'another' } }],
    ['with a jku, which is ignored', { header: { jku: 'https://attacker.example/keys' } }],
  ])('is accepted: %s', async (_, options) => {
    const { emulator } = system;
    const made = await callsDuring(emulator, async () =>
      expectAccepted(await server.call('get', guarded, emulator.accessToken({ version, ...options }))),
    );
    expect(made).toEqual({});
  });

  it.each<[string, AccessTokenOptions, string]>([
    ['that expired before the clock tolerance', { claims: expiredLifetime(301) }, 'token_expired'],
    [
      'that becomes valid after the clock tolerance',
      { claims: { nbf: nowInSeconds() + 1_000 } },
      'token_not_yet_valid',
    ],
    ['with an exp that is a string', { claims: { exp: '9999999999' } }, 'no_expiry'],
    ['with an exp far below zero', { claims: { exp: -1e300 } }, 'token_expired'],
    ['with an nbf that is a string', { claims: { nbf: '0' } }, 'malformed_token'],
    ['with an audience in upper case', { claims: { aud: 'API://A9150000' } }, 'wrong_audience'],
    [
      'with a trailing slash in its audience',
      { claims: { aud: 'api://a9150000-0000-4000-8000-000000000002/' } },
      'wrong_audience',
    ],
    [
      'for Graph, named by application id',
      { claims: { aud: '00000003-0000-0000-c000-000000000000' } },
      'token_for_graph',
    ],
    [
      'for Graph, with a trailing slash',
      { claims: { aud: 'https://graph.microsoft.com/' } },
      'token_for_graph',
    ],
    ['with several issuers', { claims: { iss: ['https://sts.windows.net/'] } }, 'wrong_issuer'],
    ['with a tenant that is not a string', { claims: { tid: 7 } }, 'wrong_tenant'],
    ['with an object id that is not a GUID', { claims: { oid: 'alice@contoso.example' } }, 'no_object_id'],
    ['with an object id that is not a string', { claims: { oid: ['a'] } }, 'no_object_id'],
    ['with a kid that is not a string', { header: { kid: 7 } }, 'unknown_key'],
    ['with an empty kid', { header: { kid: '' } }, 'unknown_key'],
    ['with another typ', { header: { typ: 'at+jwt' } }, 'malformed_token'],
    ['with an unsupported crit header', { header: { crit: ['b64'], b64: false } }, 'malformed_token'],
  ])('is rejected: %s', async (_, options, reason) => {
    const { emulator } = system;
    const made = await callsDuring(emulator, async () =>
      expectInvalid(await server.call('get', guarded, emulator.accessToken({ version, ...options })), reason),
    );
    expect(made).toEqual({});
  });
});

it('only the exact audience in AZURE_APP_ID_URI is accepted in addition', async () => {
  const { emulator } = system;
  const server = await startReadyServer(system, { AZURE_APP_ID_URI: 'https://contoso.example/api' });
  const call = (aud: string) => server.call('get', guarded, emulator.accessToken({ claims: { aud } }));
  expectAccepted(await call('https://contoso.example/api'));
  expectInvalid(await call('https://contoso.example/api/v2'), 'wrong_audience');
});

it('other kinds of token from Microsoft Entra ID are rejected', async () => {
  const { emulator } = system;
  expectInvalid(await system.call('get', guarded, emulator.graphToken()), 'token_for_graph');
  expectInvalid(await system.call('get', guarded, emulator.teamsToken()), 'wrong_audience');
  expectInvalid(await system.call('get', guarded, emulator.idToken()), 'wrong_audience');
  expectForbidden(await system.call('get', guarded, emulator.appOnlyToken()), 'app_only_token');
  expect(emulator.calls()).toEqual({});
});

describe('with ALLOWED_CLIENT_IDS', () => {
  it.each<[string, AccessTokenOptions, Forbidden | undefined]>([
    ['accepts a listed client', {}, undefined],
    ['accepts a listed client in upper case', { client: 'C11E0000-0000-4000-8000-000000000003' }, undefined],
    ['accepts a listed client in a version 1 token', { version: 1 }, undefined],
    ['rejects another client', { defect: 'wrong_app' }, 'client_not_allowed'],
    [
      'rejects another client in a version 1 token',
      { version: 1, defect: 'wrong_app' },
      'client_not_allowed',
    ],
    ['rejects a token that does not name its client', { defect: 'no_app' }, 'client_not_allowed'],
  ])('%s', async (_, options, code) => {
    const { emulator } = system;
    const server = await startReadyServer(system, { ALLOWED_CLIENT_IDS: emulator.authClient.clientId });
    const response = await server.call('get', guarded, emulator.accessToken(options));
    if (code) expectForbidden(response, code);
    else expectAccepted(response);
  });
});

describe('every operation', () => {
  const operations = (
    [
      ['get', '/getToken'],
      ['post', '/getToken'],
      ['get', '/api/token'],
      ['post', '/api/token'],
      ['get', '/exchangeToken'],
      ['post', '/exchangeToken'],
      ['get', '/api/token/teams'],
      ['post', '/api/token/teams'],
      ['delete', '/deleteUser'],
      ['get', '/api/user'],
      ['post', '/api/user'],
      ['delete', '/api/user'],
    ] as const
  ).map(([method, path]) => ({ method, path }));

  it.each(operations)('rejects $method $path without a valid token', async ({ method, path }) => {
    const { emulator } = system;
    const call = (defect: Defect) => system.call(method, path, emulator.accessToken({ defect }));
    expectMissing(await system.call(method, path));
    expectInvalid(await call('wrong_audience'), 'wrong_audience');
    expectInvalid(await call('wrong_issuer'), 'wrong_issuer');
    expectInvalid(await call('expired'), 'token_expired');
    expectInvalid(await call('bad_signature'), 'bad_signature');
    expectForbidden(await call('no_scope'), 'insufficient_scope');
    expect(emulator.calls()).toEqual({});
    expect(emulator.identities()).toEqual([]);
  });
});

describe('the Authorization header', () => {
  it.each<[string, (token: string) => string, (response: ApiResponse) => void]>([
    ['Bearer', (token) => `Bearer ${token}`, expectAccepted],
    ['bearer in lower case', (token) => `bearer ${token}`, expectAccepted],
    ['nothing after Bearer', () => 'Bearer', expectMissing],
    ['another scheme', () => `Basic ${Buffer.from('alice:secret').toString('base64')}`, expectMissing],
    ['a token without a scheme', (token) => token, expectMissing],
    [
      'two spaces after Bearer',
      (token) => `Bearer  ${token}`,
      (response) => expectInvalid(response, 'malformed_token'),
    ],
    [
      'text after the token',
      (token) => `Bearer ${token} more`,
      (response) => expectInvalid(response, 'malformed_token'),
    ],
    [
      'two tokens with a comma',
      (token) => `Bearer ${token},${token}`,
      (response) => expectInvalid(response, 'malformed_token'),
    ],
    [
      'a token in quotes',
      (token) => `Bearer "${token}"`,
      (response) => expectInvalid(response, 'malformed_token'),
    ],
  ])('%s', async (_, header, expectOutcome) => {
    const { emulator } = system;
    const authorization = header(emulator.accessToken());
    expectOutcome(await system.call('get', guarded).set('Authorization', authorization));
    expect(emulator.calls()).toEqual({});
  });
});

describe('a token outside the Authorization header', () => {
  it.each<[string, (token: string) => PromiseLike<ApiResponse>]>([
    ['the query', (token) => system.call('get', `${guarded}?access_token=${token}`)],
    ['the query, in upper case', (token) => system.call('get', `${guarded}?ACCESS_TOKEN=${token}`)],
    ['a form', (token) => system.call('post', guarded).type('form').send({ access_token: token })],
    ['a JSON body', (token) => system.call('post', guarded).send({ access_token: token })],
    ['a cookie', (token) => system.call('get', guarded).set('Cookie', `access_token=${token}`)],
    [
      'a header of App Service authentication',
      (token) => system.call('get', guarded).set('X-MS-TOKEN-AAD-ACCESS-TOKEN', token),
    ],
  ])('is ignored in %s', async (_, send) => {
    expectMissing(await send(system.emulator.accessToken()));
    expect(system.emulator.calls()).toEqual({});
  });

  it('is rejected in the query although the header has a valid one', async () => {
    const token = system.emulator.accessToken();
    const response = await system.call('get', `${guarded}?x=1&access_token=${token}`, token);
    expectError(response, { status: 400, code: 'invalid_request', target: 'access_token' });
  });

  it('is rejected in the JSON body although the header has a valid one', async () => {
    const token = system.emulator.accessToken();
    const response = await system.call('post', guarded, token).send({ access_token: token });
    expectError(response, { status: 400, code: 'invalid_request', target: 'body' });
  });

  it.each([
    ['a valid token twice', {}],
    ['a valid token and an invalid one', { defect: 'bad_signature' as const }],
  ])('is rejected when the header is sent twice: %s', async (_, second) => {
    const { emulator } = system;
    const headers = ['Authorization', `Bearer ${emulator.accessToken()}`];
    headers.push('authorization', `Bearer ${emulator.accessToken(second)}`);
    const response = await rawRequest(system.url, { method: 'GET', path: guarded, headers });
    expectError(response, { status: 400, code: 'invalid_request', target: 'Authorization' });
    expect(emulator.calls()).toEqual({});
  });
});

describe('a token that was accepted before', () => {
  it('is rejected once it has expired and the clock tolerance has passed', async () => {
    const { emulator } = system;
    const clock = fakeDate();
    const token = emulator.accessToken({ lifetimeInSeconds: 3_600 });
    expectAccepted(await system.call('get', guarded, token));
    clock.advance(3_600_000 + 299_000);
    expectAccepted(await system.call('get', guarded, token));
    clock.advance(2_000);
    expectInvalid(await system.call('get', guarded, token), 'token_expired');
    expect(emulator.calls()).toEqual({});
  });

  it('is rejected once the server has seen that its key was removed', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const old = emulator.accessToken();
    expectAccepted(await server.call('get', guarded, old));
    emulator.rotateKeys();
    expectAccepted(await server.call('get', guarded, old));
    expectAccepted(await server.call('get', guarded, emulator.accessToken()));
    expectInvalid(await server.call('get', guarded, old), 'unknown_key');
  });

  it('is still accepted when a new key is added and its key is kept', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const old = emulator.accessToken();
    emulator.rotateKeys({ keepOld: true });
    expectAccepted(await server.call('get', guarded, emulator.accessToken()));
    expectAccepted(await server.call('get', guarded, old));
  });
});

describe('signing keys', () => {
  const unknownKey = () => system.emulator.accessToken({ defect: 'unknown_key' });

  it('are fetched once after a rotation, for 20 concurrent requests', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    emulator.rotateKeys();
    const made = await callsDuring(emulator, async () => {
      const responses = await Promise.all(
        Array.from({ length: 20 }, () => server.call('get', guarded, emulator.accessToken())),
      );
      responses.forEach(expectAccepted);
    });
    expect(made).toEqual(entraMetadata);
  });

  it('are not fetched for each unknown key id, and a rotated key is still accepted within 10 s', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const clock = fakeMonotonicClock();
    const made = await callsDuring(emulator, async () => {
      for (let call = 0; call < 30; call += 1) {
        expectInvalid(await server.call('get', guarded, unknownKey()), 'unknown_key');
      }
    });
    expect(made).toEqual(entraMetadata);

    emulator.rotateKeys();
    clock.advance(9_999);
    expectInvalid(await server.call('get', guarded, emulator.accessToken()), 'unknown_key');
    clock.advance(1);
    const afterwards = await callsDuring(emulator, async () =>
      expectAccepted(await server.call('get', guarded, emulator.accessToken())),
    );
    expect(afterwards).toEqual(entraMetadata);
  });

  it.each(['entra.discovery', 'entra.keys'])(
    'that cannot be fetched (%s) give 503, not 401',
    async (operation) => {
      const { emulator } = system;
      const server = await startReadyServer(system);
      const clock = fakeMonotonicClock();
      emulator.fail({ operation, kind: 'status', status: 503, times: Infinity });
      for (const token of [unknownKey(), unknownKey()]) {
        expectError(await server.call('get', guarded, token), {
          status: 503,
          code: 'upstream_unavailable',
          innererror: {
            upstream: 'Microsoft Entra ID',
            operation: expect.stringMatching(/^read (discovery|signing keys)$/),
            status: 503,
          },
          retryAfter: 'some',
        });
      }
      expectAccepted(await server.call('get', guarded, emulator.accessToken()));

      emulator.reset();
      clock.advance(10_000);
      expectInvalid(await server.call('get', guarded, unknownKey()), 'unknown_key');
    },
  );

  it.each(['!!', 'AQAB', ''])('that are corrupt (n: "%s") do not replace the valid ones', async (n) => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const { kid } = JSON.parse(
      Buffer.from(emulator.accessToken().split('.')[0] ?? '', 'base64url').toString(),
    ) as { kid: string };
    const body = JSON.stringify({ keys: [{ kty: 'RSA', use: 'sig', kid, n, e: 'AQAB' }] });
    emulator.fail({ operation: 'entra.keys', kind: 'malformed', body });
    expectError(await server.call('get', guarded, unknownKey()), {
      status: 502,
      code: 'upstream_invalid_response',
      innererror: { upstream: 'Microsoft Entra ID', operation: 'read signing keys' },
    });
    expectAccepted(await server.call('get', guarded, emulator.accessToken()));
  });

  async function startWithKeys(change: (keys: readonly object[]) => readonly unknown[]): Promise<TestServer> {
    const { emulator } = system;
    const { jwks_uri: keysUrl } = (await fetchJson(
      `${emulator.url}/${emulator.tenantId}/v2.0/.well-known/openid-configuration`,
    )) as { jwks_uri: string };
    const { keys } = (await fetchJson(keysUrl)) as { keys: object[] };
    const body = JSON.stringify({ keys: change(keys) });
    emulator.fail({ operation: 'entra.keys', kind: 'malformed', body, times: Infinity });
    return system.startAnother();
  }

  it.each([null, 'a key', {}, { kty: 'oct', kid: 5 }, { kid: 'no type' }, { kty: 'new', kid: 'a', use: 7 }])(
    'of an unknown form (%j) do not disable the others',
    async (oddKey) => {
      const server = await startWithKeys((keys) => [oddKey, ...keys]);
      expectAccepted(await server.call('get', guarded, system.emulator.accessToken()));
    },
  );

  it('that share an id are all tried', async () => {
    const [before, after] = [newRsaKey(), newRsaKey()];
    const server = await startWithKeys((keys) =>
      keys.flatMap((key) => [{ ...key, ...before }, key, { ...key, ...after }]),
    );
    expectAccepted(await server.call('get', guarded, system.emulator.accessToken()));
    const forged = system.emulator.accessToken({ defect: 'bad_signature' });
    expectInvalid(await server.call('get', guarded, forged), 'bad_signature');
  });
});

const newRsaKey = () =>
  generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ format: 'jwk' });

async function fetchJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

it('the table of expected results covers exactly the known defects', () => {
  expect(Object.keys(outcomes).sort()).toEqual([...allDefects].sort());
});

it.each([
  500, 404,
  // Neither has metadata, and no redirect is followed.
  204, 301,
])('responds with 503, not 401, until the signing keys have been loaded (status %d)', async (status) => {
  const { emulator } = system;
  emulator.fail({ operation: 'entra.discovery', kind: 'status', status, body: '', times: Infinity });
  const server = await system.startAnother();
  expectError(await server.call('get', guarded, emulator.accessToken()), {
    status: 503,
    code: 'upstream_unavailable',
    innererror: { upstream: 'Microsoft Entra ID', operation: 'read discovery', status },
    retryAfter: 'some',
  });
  expectMissing(await server.call('get', guarded));
});

function expiredLifetime(secondsAgo: number): Record<string, number> {
  const end = nowInSeconds() - secondsAgo;
  return { iat: end - 4_500, nbf: end - 4_500, exp: end };
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
