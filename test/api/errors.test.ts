import { gzipSync } from 'node:zlib';
import { type Logger, pino } from 'pino';
import request from 'supertest';
import type { User } from '../../emulator/startEmulator';
import { createApp } from '../../src/app';
import { loadConfig } from '../../src/config/config';
import { type ErrorCode, errorCodes } from '../../src/errors';
import { createServices } from '../../src/composition';
import {
  type Answer,
  challengesOf,
  expectCommonHeaders,
  type ExpectedError,
  expectError,
} from '../support/answers';
import { callsDuring } from '../support/calls';
import { fakeDate } from '../support/clock';
import { rawRequest } from '../support/rawRequest';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => {
  jest.useRealTimers();
  system.emulator.reset();
});
afterAll(() => system.stop());

const getToken = (server: TestServer, user?: User) =>
  server.call('get', '/getToken', system.emulator.accessToken(user && { user }));
const exchange = (teamsToken: string) =>
  system
    .call('get', '/exchangeToken', system.emulator.accessToken({ user: 'carol' }))
    .set('teams-user-aad-token', teamsToken);

const upToGraph = { 'entra.token.on_behalf_of': 1, 'graph.me': 1 };

interface Case {
  /** Brings the error about; the server is new, so that nothing is remembered and no upstream is thought to be sick. */
  provoke: (server: TestServer, newUser: User) => PromiseLike<Answer>;
  expected: Omit<ExpectedError, 'code'>;
  /** What it costs upstream. */
  calls: Record<string, number>;
}

const target = 'teamsUserAadToken';
const challenges = () => challengesOf(system.emulator);

/** One way to meet each error code. Others, and what goes wrong in other ways, are in the tests by subject. */
const cases: Record<ErrorCode, () => Case> = {
  invalid_request: () => ({
    provoke: (server) =>
      server.call('post', '/exchangeToken', system.emulator.accessToken()).send({ teamsToken: 'eyJ' }),
    expected: { status: 400, target: 'body' },
    calls: {},
  }),
  teams_token_missing: () => ({
    provoke: (server) => server.call('get', '/exchangeToken', system.emulator.accessToken()),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_malformed: () => ({
    provoke: () => exchange('not-a-token'),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_expired: () => ({
    provoke: () => exchange(system.emulator.teamsToken({ lifetimeInSeconds: -1 })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_audience: () => ({
    provoke: () => exchange(system.emulator.graphToken({ user: 'carol' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_tenant: () => ({
    provoke: () => exchange(system.emulator.teamsToken({ defect: 'other_tenant' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_app: () => ({
    provoke: () => exchange(system.emulator.teamsToken({ defect: 'wrong_app' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_user: () => ({
    provoke: () => exchange(system.emulator.teamsToken({ user: 'bob' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_rejected: () => ({
    provoke: () => exchange(system.emulator.teamsToken({ defect: 'bad_signature' })),
    expected: { status: 400, target },
    calls: { 'acs.teams.exchange': 1 },
  }),
  missing_token: () => ({
    provoke: (server) => server.call('get', '/getToken'),
    expected: { status: 401, challenge: challenges().bare },
    calls: {},
  }),
  invalid_token: () => ({
    provoke: (server) =>
      server.call('get', '/getToken', system.emulator.accessToken({ defect: 'bad_signature' })),
    expected: {
      status: 401,
      innererror: { code: 'bad_signature' },
      challenge: challenges().invalidToken,
    },
    calls: {},
  }),
  insufficient_claims: () => ({
    provoke: (server, user) => {
      system.emulator.switches.requireMfaFor.add(user.objectId);
      return getToken(server, user);
    },
    expected: {
      status: 401,
      challenge: challenges().insufficientClaims({
        access_token: { polids: { essential: true, values: ['b0110000-0000-4000-8000-000000000007'] } },
      }),
    },
    calls: { 'entra.token.on_behalf_of': 1 },
  }),
  insufficient_scope: () => ({
    provoke: (server) => server.call('get', '/getToken', system.emulator.accessToken({ defect: 'no_scope' })),
    expected: { status: 403, challenge: challenges().insufficientScope },
    calls: {},
  }),
  app_only_token: () => ({
    provoke: (server) => server.call('get', '/getToken', system.emulator.appOnlyToken()),
    expected: { status: 403, challenge: challenges().insufficientScope },
    calls: {},
  }),
  client_not_allowed: () => ({
    provoke: async () =>
      getToken(
        await startReadyServer(system, { ALLOWED_CLIENT_IDS: '0de20000-0000-4000-8000-0000000000aa' }),
      ),
    expected: { status: 403, challenge: challenges().insufficientScope },
    calls: { 'entra.discovery': 2, 'entra.keys': 1 },
  }),
  consent_required: () => ({
    provoke: (server, user) => {
      system.emulator.switches.consentRequiredFor.add(user.objectId);
      return getToken(server, user);
    },
    expected: { status: 403, innererror: { code: 'AADSTS65001' } },
    calls: { 'entra.token.on_behalf_of': 1 },
  }),
  teams_exchange_not_supported: () => ({
    provoke: async () => {
      const { externalId } = system.emulator;
      const settings = { ...externalId.settings(), IDENTITY_PROVIDER: 'external_id', IDENTITY_STORE: 'acs' };
      const server = await startReadyServer(system, settings);
      return server.call('get', '/exchangeToken', externalId.accessToken());
    },
    expected: { status: 403 },
    calls: { 'externalId.discovery': 1, 'externalId.keys': 1 },
  }),
  not_found: () => ({
    provoke: (server) => server.call('get', '/api/tokens', system.emulator.accessToken()),
    expected: { status: 404 },
    calls: {},
  }),
  user_not_found: () => ({
    provoke: (server, user) => server.call('get', '/api/user', system.emulator.accessToken({ user })),
    expected: { status: 404 },
    calls: upToGraph,
  }),
  method_not_allowed: () => ({
    provoke: (server) => server.call('put', '/getToken', system.emulator.accessToken()),
    expected: { status: 405, allow: 'GET, POST' },
    calls: {},
  }),
  mapping_not_trusted: () => ({
    provoke: (server, user) => {
      system.emulator.setExtension(user.objectId, {
        extensionName: 'com.contoso.identityMapping',
        acsUserIdentity: system.emulator.createIdentity(),
      });
      return getToken(server, user);
    },
    expected: { status: 409, innererror: { code: 'seal_missing' } },
    calls: upToGraph,
  }),
  mapping_of_other_resource: () => ({
    provoke: async (_server, user) => {
      const adopting = await startReadyServer(system, { IDENTITY_MAPPING_UNSIGNED: 'adopt' });
      await getToken(adopting);
      system.emulator.setExtension(user.objectId, {
        extensionName: 'com.contoso.identityMapping',
        acsUserIdentity: system.emulator.createForeignIdentity(),
      });
      const token = system.emulator.accessToken({ user });
      return adopting.call('delete', '/deleteUser', token);
    },
    expected: { status: 409 },
    calls: {
      'entra.discovery': 2,
      'entra.keys': 1,
      'entra.token.on_behalf_of': 2,
      'graph.me': 2,
      'acs.identity.create': 1,
      'graph.extension.create': 1,
    },
  }),
  extension_limit_reached: () => ({
    provoke: (server, user) => {
      const { emulator } = system;
      for (const extensionName of ['com.contoso.first', 'com.contoso.second']) {
        emulator.setExtension(user.objectId, { extensionName }, emulator.authServer.clientId);
      }
      return getToken(server, user);
    },
    expected: { status: 409 },
    calls: {
      'entra.token.on_behalf_of': 1,
      'graph.me': 2,
      'acs.identity.create': 1,
      'graph.extension.create': 1,
      'acs.identity.delete': 1,
    },
  }),
  body_too_large: () => ({
    provoke: (server) =>
      server
        .call('post', '/exchangeToken', system.emulator.accessToken())
        .send({ teamsUserAadToken: 'e'.repeat(70_000) }),
    expected: { status: 413, target: 'body' },
    calls: {},
  }),
  too_many_requests: () => ({
    provoke: async (_server, user) => {
      const limited = await startReadyServer(system, { RATE_LIMIT_USER: '1' });
      const token = system.emulator.accessToken({ user });
      await limited.call('get', '/exchangeToken', token);
      return limited.call('get', '/exchangeToken', token);
    },
    expected: { status: 429, retryAfter: 'some' },
    calls: { 'entra.discovery': 2, 'entra.keys': 1 },
  }),
  internal_error: () => ({
    provoke: async () => {
      const config = loadConfig(system.emulator.settings());
      const log = silentLog();
      const services = await createServices(config, log);
      const users = services.communicationUsers;
      const broken = {
        ...services,
        communicationUsers: {
          ...users,
          findReusableToken: () => {
            throw new Error('a fault of our own, with a secret in it');
          },
        },
      };
      const app = createApp({ config, services: broken, log, isAcceptingWork: () => true });
      return request(app).get('/getToken').set('Authorization', `Bearer ${system.emulator.accessToken()}`);
    },
    expected: { status: 500 },
    calls: { 'entra.discovery': 2, 'entra.keys': 1 },
  }),
  upstream_invalid_response: () => ({
    provoke: (server, user) => {
      system.emulator.fail({ operation: 'graph.me', kind: 'garbage', times: Infinity });
      return getToken(server, user);
    },
    expected: {
      status: 502,
      innererror: { upstream: 'Microsoft Graph', operation: 'read user and extensions' },
    },
    calls: upToGraph,
  }),
  upstream_refused: () => ({
    provoke: async (_server, user) => {
      const misconfigured = await startReadyServer(system, { AZURE_CLIENT_SECRET: 'another-secret' });
      return getToken(misconfigured, user);
    },
    expected: {
      status: 502,
      innererror: {
        upstream: 'Microsoft Entra ID',
        operation: 'exchange token On-Behalf-Of',
        status: 401,
      },
    },
    calls: { 'entra.discovery': 2, 'entra.keys': 1, 'entra.token.on_behalf_of': 1 },
  }),
  upstream_unavailable: () => ({
    provoke: (server, user) => {
      system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 500, times: Infinity });
      return getToken(server, user);
    },
    expected: {
      status: 503,
      innererror: { upstream: 'Microsoft Graph', operation: 'read user and extensions', status: 500 },
      retryAfter: 'some',
    },
    // Tried twice more.
    calls: { 'entra.token.on_behalf_of': 1, 'graph.me': 3 },
  }),
  upstream_throttled: () => ({
    provoke: (server, user) => {
      const headers = { 'retry-after': '30' };
      system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 429, headers, times: Infinity });
      return getToken(server, user);
    },
    expected: {
      status: 503,
      innererror: { upstream: 'Microsoft Graph', operation: 'read user and extensions', status: 429 },
      retryAfter: 30,
    },
    // Sooner than it asked for there is no use in trying again, and the caller does not wait that long.
    calls: upToGraph,
  }),
  upstream_timeout: () => ({
    provoke: (server, user) => {
      system.emulator.fail({ operation: 'entra.token', kind: 'hang', times: Infinity });
      return getToken(server, user);
    },
    // Which of the nested time limits fires first is a matter of a millisecond; only the inner ones know the upstream.
    expected: { status: 504, innererror: { asymmetricMatch: () => true }, retryAfter: 'some' },
    calls: { 'entra.token.on_behalf_of': expect.any(Number) as number },
  }),
};

describe('every error code', () => {
  it.each(Object.keys(errorCodes) as ErrorCode[])('%s', async (code) => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const { provoke, expected, calls } = cases[code]();
    const user = emulator.addUser();
    const made = await callsDuring(emulator, async () => {
      expectError(await provoke(server, user), { ...expected, code });
    });
    expect(made).toEqual(calls);
    expect(expected.status).toBe(errorCodes[code]);
  });
});

describe('a body', () => {
  const post = () =>
    system
      .call('post', '/exchangeToken', system.emulator.accessToken({ user: 'carol' }))
      .set('teams-user-aad-token', system.emulator.teamsToken());

  it.each<[string, string, string]>([
    ['cut JSON', 'application/json', '{"teamsUserAadToken":"ey'],
    ['no JSON', 'application/json', 'teamsUserAadToken=ey'],
    ['JSON with a comma too many', 'application/json', '{"teamsUserAadToken":"ey",}'],
    ['a list', 'application/json', '[]'],
    ['a bare text', 'application/json', '"ey"'],
    ['null', 'application/json', 'null'],
    ['a field that is unknown', 'application/json', '{"teamsUserAadToken":"ey","user":"8:acs:victim"}'],
    ['a field in other letters', 'application/json', '{"teamsuseraadtoken":"ey"}'],
    ['a prototype', 'application/json', '{"__proto__":{"teamsUserAadToken":"ey"}}'],
    ['a token that is a number', 'application/json', '{"teamsUserAadToken":1}'],
    ['a token that is null', 'application/json', '{"teamsUserAadToken":null}'],
    ['a token that is a list', 'application/json', '{"teamsUserAadToken":["ey"]}'],
    ['JSON in another character set', 'application/json; charset=koi8-r', '{}'],
  ])('that is %s is refused', async (_, type, text) => {
    const answer = await post().set('Content-Type', type).serialize(String).send(text);
    expectError(answer, { status: 400, code: 'invalid_request', target: 'body' });
    expect(system.emulator.calls()).toEqual({});
  });

  it('in an unknown encoding is refused', async () => {
    const answer = await post().set('Content-Encoding', 'rot13').send({});
    expectError(answer, { status: 400, code: 'invalid_request', target: 'body' });
  });

  it.each<[string, (path: string) => PromiseLike<Answer>]>([
    [
      'by what it announces',
      (path) =>
        system
          .call('post', path, system.emulator.accessToken())
          .type('json')
          .send(`"${'e'.repeat(65_536)}"`),
    ],
    [
      'by what it announces, before any token is asked for',
      (path) => system.call('post', path).send('e'.repeat(65_537)),
    ],
    [
      'by what comes, unannounced',
      (path) =>
        rawRequest(system.url, {
          method: 'POST',
          path,
          headers: [
            ...['Authorization', `Bearer ${system.emulator.accessToken()}`],
            ...['Content-Type', 'application/json'],
          ],
          body: JSON.stringify({ teamsUserAadToken: 'e'.repeat(70_000) }),
        }),
    ],
  ])('that is too large %s is refused', async (_, send) => {
    expectError(await send('/exchangeToken'), { status: 413, code: 'body_too_large', target: 'body' });
  });

  it('that is too large when it is unpacked is refused', async () => {
    const packed = gzipSync(JSON.stringify({ teamsUserAadToken: 'e'.repeat(1_000_000) }));
    const answer = await post()
      .set('Content-Encoding', 'gzip')
      .type('json')
      .serialize((body) => body as string)
      .send(packed as unknown as string);
    expectError(answer, { status: 413, code: 'body_too_large', target: 'body' });
  });

  it('that is malformed does not matter where no body is read', async () => {
    const token = system.emulator.accessToken();
    const answer = await system.call('post', '/api/user', token).type('json').send('{"cut');
    expect(answer.status).toBe(201);
  });

  it('is not looked at before the caller is known', async () => {
    const answer = await system.call('post', '/exchangeToken').type('json').send('{"cut');
    expectError(answer, { status: 401, code: 'missing_token', challenge: challenges().bare });
  });
});

describe('an address', () => {
  it.each([
    ...['/', '/api', '/api/', '/api/token/other', '/getToken/8:acs:victim', '/api/user/8:acs:victim'],
    ...['/health', '/.env', '/server.js', '/api/..%2fgetToken'],
  ])('%s that does not exist is answered with 404, token or not', async (path) => {
    const expected: ExpectedError = { status: 404, code: 'not_found' };
    expectError(await system.call('get', path), expected);
    expectError(await system.call('get', path, system.emulator.accessToken()), expected);
    expect(system.emulator.calls()).toEqual({});
  });

  it('that is not well encoded is answered with 404 as well', async () => {
    const answer = await rawRequest(system.url, { method: 'GET', path: '/api/%E0%A4%A' });
    expectError(answer, { status: 404, code: 'not_found' });
  });
});

describe('a method', () => {
  const allowed = {
    '/getToken': 'GET, POST',
    '/api/token': 'GET, POST',
    '/exchangeToken': 'GET, POST',
    '/api/token/teams': 'GET, POST',
    '/deleteUser': 'DELETE',
    '/api/user': 'GET, POST, DELETE',
  };

  it.each(Object.entries(allowed))('other than those of %s (%s) is refused', async (path, allow) => {
    const { emulator } = system;
    const wrong = (['get', 'post', 'put', 'delete'] as const).filter(
      (method) => !allow.includes(method.toUpperCase()),
    );
    expect(wrong).not.toEqual([]);
    for (const method of wrong) {
      const expected: ExpectedError = { status: 405, code: 'method_not_allowed', allow };
      expectError(await system.call(method, path), expected);
      expectError(await system.call(method, path, emulator.accessToken()), expected);
    }
    expect(emulator.calls()).toEqual({});
  });

  it.each(Object.entries(allowed))(
    'HEAD %s is refused: its answer would be thrown away',
    async (path, allow) => {
      const answer = await system.call('head', path, system.emulator.accessToken());
      expect(answer.status).toBe(405);
      expect(answer.headers).toMatchObject({ allow, 'x-ms-error-code': 'method_not_allowed' });
      expectCommonHeaders(answer);
      expect(system.emulator.calls()).toEqual({});
    },
  );

  it.each(Object.entries(allowed))('OPTIONS %s tells the others', async (path, allow) => {
    const answer = await system.call('options', path);
    expect({ status: answer.status, allow: answer.headers.allow }).toEqual({ status: 204, allow });
    expectCommonHeaders(answer);
  });
});

describe('the rate limit', () => {
  const admitted: ExpectedError = { status: 400, code: 'teams_token_missing', target };
  const limited: ExpectedError = { status: 429, code: 'too_many_requests', retryAfter: 60 };

  it('of a user is for that user, whichever token they use, and ends', async () => {
    const { emulator } = system;
    const clock = fakeDate();
    const server = await startReadyServer(system, { RATE_LIMIT_USER: '3' });
    const call = (user: string) => server.call('get', '/exchangeToken', emulator.accessToken({ user }));
    for (let request = 1; request <= 3; request += 1) expectError(await call('alice'), admitted);
    expectError(await call('alice'), limited);
    expectError(await call('bob'), admitted);
    clock.advance(45_000);
    expectError(await call('alice'), { ...limited, retryAfter: 15 });
    clock.advance(15_000);
    expectError(await call('alice'), admitted);
  });

  it('of a user costs no upstream call when it is reached', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system, { RATE_LIMIT_USER: '1', TOKEN_REUSE_MINUTES: '0' });
    const token = emulator.accessToken({ user: emulator.addUser() });
    expect((await server.call('get', '/getToken', token)).status).toBe(200);
    const made = await callsDuring(emulator, async () => {
      for (const path of ['/getToken', '/api/token', '/api/user', '/exchangeToken']) {
        expectError(await server.call('get', path, token), { ...limited, retryAfter: 'some' });
      }
      expectError(await server.call('delete', '/deleteUser', token), { ...limited, retryAfter: 'some' });
    });
    expect(made).toEqual({});
  });

  it('of rejected requests is for an address, spares good tokens, and ends', async () => {
    const { emulator } = system;
    const clock = fakeDate();
    const server = await startReadyServer(system, { RATE_LIMIT_REJECTED: '3' });
    const bad = () => server.call('get', '/exchangeToken', emulator.accessToken({ defect: 'expired' }));
    const invalid: ExpectedError = {
      status: 401,
      code: 'invalid_token',
      innererror: { code: 'token_expired' },
      challenge: challenges().invalidToken,
    };
    expectError(await server.call('get', '/exchangeToken'), {
      status: 401,
      code: 'missing_token',
      challenge: challenges().bare,
    });
    expectError(await server.call('get', '/exchangeToken', emulator.accessToken({ defect: 'no_scope' })), {
      status: 403,
      code: 'insufficient_scope',
      challenge: challenges().insufficientScope,
    });
    expectError(await bad(), invalid);
    expectError(await bad(), limited);
    expectError(await server.call('get', '/exchangeToken', emulator.accessToken()), admitted);
    clock.advance(60_000);
    expectError(await bad(), invalid);
  });

  it('of rejected requests goes by the address that a trusted proxy names', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system, { RATE_LIMIT_REJECTED: '1', TRUST_PROXY_HOPS: '1' });
    const from = (address: string) =>
      server
        .call('get', '/exchangeToken', emulator.accessToken({ defect: 'expired' }))
        .set('X-Forwarded-For', address);
    // App Service names the port too, and whatever the caller claims stands before the proxy's own word.
    expect((await from('203.0.113.7:50001')).status).toBe(401);
    expect((await from('203.0.113.7:50002')).status).toBe(429);
    expect((await from('198.51.100.1, 203.0.113.7')).status).toBe(429);
    expect((await from('203.0.113.8')).status).toBe(401);
  });

  it('of rejected requests does not believe an address where no proxy is trusted', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system, { RATE_LIMIT_REJECTED: '1' });
    const from = (address: string) =>
      server
        .call('get', '/exchangeToken', emulator.accessToken({ defect: 'expired' }))
        .set('X-Forwarded-For', address);
    expect((await from('203.0.113.7')).status).toBe(401);
    expect((await from('203.0.113.8')).status).toBe(429);
  });
});

function silentLog(): Logger {
  return pino({ level: 'silent' });
}
