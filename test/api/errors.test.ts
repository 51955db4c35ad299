import fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type Logger, pino } from 'pino';
import request from 'supertest';
import type { User } from '../../emulator/startEmulator';
import { createApp } from '../../src/app';
import { loadConfig } from '../../src/config/config';
import { type ErrorCode, errorCodes } from '../../src/errors';
import { createServices } from '../../src/composition';
import {
  type ApiResponse,
  challengesOf,
  expectCommonHeaders,
  type ExpectedError,
  expectError,
} from '../support/responses';
import { callsDuring } from '../support/calls';
import { fakeDate } from '../support/clock';
import { fastTimings } from '../support/fastTimings';
import { sendRaw } from '../support/rawBytes';
import { rawRequest } from '../support/rawRequest';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { until } from '../support/until';

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

const oboAndGraph = { 'entra.token.on_behalf_of': 1, 'graph.me': 1 };

interface Case {
  /** Causes the error. The server is new: its caches are empty and its circuit breakers closed. */
  trigger: (server: TestServer, newUser: User) => PromiseLike<ApiResponse>;
  expected: Omit<ExpectedError, 'code'>;
  /** The upstream calls that it makes. */
  calls: Record<string, number>;
}

const target = 'teamsUserAadToken';
const challenges = () => challengesOf(system.emulator);

/** One way to get each error code. Other ways are covered by the tests of each subject. */
const cases: Record<ErrorCode, () => Case> = {
  invalid_request: () => ({
    trigger: (server) =>
      server.call('post', '/exchangeToken', system.emulator.accessToken()).send({ teamsToken: 'eyJ' }),
    expected: { status: 400, target: 'body' },
    calls: {},
  }),
  teams_token_missing: () => ({
    trigger: (server) => server.call('get', '/exchangeToken', system.emulator.accessToken()),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_malformed: () => ({
    trigger: () => exchange('not-a-token'),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_expired: () => ({
    trigger: () => exchange(system.emulator.teamsToken({ lifetimeInSeconds: -1 })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_audience: () => ({
    trigger: () => exchange(system.emulator.graphToken({ user: 'carol' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_tenant: () => ({
    trigger: () => exchange(system.emulator.teamsToken({ defect: 'other_tenant' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_app: () => ({
    trigger: () => exchange(system.emulator.teamsToken({ defect: 'wrong_app' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_wrong_user: () => ({
    trigger: () => exchange(system.emulator.teamsToken({ user: 'bob' })),
    expected: { status: 400, target },
    calls: {},
  }),
  teams_token_rejected: () => ({
    trigger: () => exchange(system.emulator.teamsToken({ defect: 'bad_signature' })),
    expected: { status: 400, target },
    calls: { 'acs.teams.exchange': 1 },
  }),
  missing_token: () => ({
    trigger: (server) => server.call('get', '/getToken'),
    expected: { status: 401, challenge: challenges().withoutError },
    calls: {},
  }),
  invalid_token: () => ({
    trigger: (server) =>
      server.call('get', '/getToken', system.emulator.accessToken({ defect: 'bad_signature' })),
    expected: {
      status: 401,
      innererror: { code: 'bad_signature' },
      challenge: challenges().invalidToken,
    },
    calls: {},
  }),
  insufficient_claims: () => ({
    trigger: (server, user) => {
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
    trigger: (server) => server.call('get', '/getToken', system.emulator.accessToken({ defect: 'no_scope' })),
    expected: { status: 403, challenge: challenges().insufficientScope },
    calls: {},
  }),
  app_only_token: () => ({
    trigger: (server) => server.call('get', '/getToken', system.emulator.appOnlyToken()),
    expected: { status: 403, challenge: challenges().insufficientScope },
    calls: {},
  }),
  client_not_allowed: () => ({
    trigger: async () =>
      getToken(
        await startReadyServer(system, { ALLOWED_CLIENT_IDS: '0de20000-0000-4000-8000-0000000000aa' }),
      ),
    expected: { status: 403, challenge: challenges().insufficientScope },
    calls: { 'entra.discovery': 2, 'entra.keys': 1 },
  }),
  insufficient_role: () => ({
    trigger: (server, { objectId }) =>
      server.call('delete', `/api/users/${objectId}`, system.emulator.accessToken()),
    expected: { status: 403, challenge: challenges().insufficientRole },
    calls: {},
  }),
  consent_required: () => ({
    trigger: (server, user) => {
      system.emulator.switches.consentRequiredFor.add(user.objectId);
      return getToken(server, user);
    },
    expected: { status: 403, innererror: { code: 'AADSTS65001' } },
    calls: { 'entra.token.on_behalf_of': 1 },
  }),
  teams_exchange_not_supported: () => ({
    trigger: async () => {
      const { externalId } = system.emulator;
      const settings = { ...externalId.settings(), IDENTITY_PROVIDER: 'external_id', IDENTITY_STORE: 'acs' };
      const server = await startReadyServer(system, settings);
      return server.call('get', '/exchangeToken', externalId.accessToken());
    },
    expected: { status: 403 },
    calls: { 'externalId.discovery': 1, 'externalId.keys': 1 },
  }),
  not_found: () => ({
    trigger: (server) => server.call('get', '/api/tokens', system.emulator.accessToken()),
    expected: { status: 404 },
    calls: {},
  }),
  user_not_found: () => ({
    trigger: (server, user) => server.call('get', '/api/user', system.emulator.accessToken({ user })),
    expected: { status: 404 },
    calls: oboAndGraph,
  }),
  method_not_allowed: () => ({
    trigger: (server) => server.call('put', '/getToken', system.emulator.accessToken()),
    expected: { status: 405, allow: 'GET, POST' },
    calls: {},
  }),
  mapping_not_trusted: () => ({
    trigger: (server, user) => {
      system.emulator.setExtension(user.objectId, {
        extensionName: 'com.contoso.identityMapping',
        acsUserIdentity: system.emulator.createIdentity(),
      });
      return getToken(server, user);
    },
    expected: { status: 409, innererror: { code: 'seal_missing' } },
    calls: oboAndGraph,
  }),
  mapping_of_other_resource: () => ({
    trigger: async (_server, user) => {
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
    trigger: (server, user) => {
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
    trigger: (server) =>
      server
        .call('post', '/exchangeToken', system.emulator.accessToken())
        .send({ teamsUserAadToken: 'e'.repeat(70_000) }),
    expected: { status: 413, target: 'body' },
    calls: {},
  }),
  too_many_requests: () => ({
    trigger: async (_server, user) => {
      const limited = await startReadyServer(system, { RATE_LIMIT_USER: '1' });
      const token = system.emulator.accessToken({ user });
      await limited.call('get', '/exchangeToken', token);
      return limited.call('get', '/exchangeToken', token);
    },
    expected: { status: 429, retryAfter: 'some' },
    calls: { 'entra.discovery': 2, 'entra.keys': 1 },
  }),
  internal_error: () => ({
    trigger: async () => {
      const config = loadConfig(system.emulator.settings());
      const log = silentLog();
      const services = await createServices(config, log);
      const users = services.communicationUsers;
      const broken = {
        ...services,
        communicationUsers: {
          ...users,
          findReusableToken: () => {
            throw new Error('an internal error that contains a secret');
          },
        },
      };
      const app = createApp({ config, services: broken, log, isAcceptingWork: () => true });
      return request(app).get('/getToken').set('Authorization', `Bearer ${system.emulator.accessToken()}`);
    },
    expected: { status: 500 },
    calls: { 'entra.discovery': 2, 'entra.keys': 1 },
  }),
  not_supported_by_store: () => ({
    trigger: (server, { objectId }) =>
      server.call('delete', `/api/users/${objectId}`, system.emulator.administratorToken()),
    expected: { status: 501, innererror: { code: 'graph_application_permission_missing' } },
    calls: { 'entra.token.client_credentials': 1, 'graph.user.read': 1 },
  }),
  upstream_invalid_response: () => ({
    trigger: (server, user) => {
      system.emulator.fail({ operation: 'graph.me', kind: 'garbage', times: Infinity });
      return getToken(server, user);
    },
    expected: {
      status: 502,
      innererror: { upstream: 'Microsoft Graph', operation: 'read user and extensions' },
    },
    calls: oboAndGraph,
  }),
  upstream_refused: () => ({
    trigger: async (_server, user) => {
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
  server_unavailable: () => ({
    trigger: async () => {
      const server = await startReadyServer(system, { API_DOCS: 'on' });
      const open = jest.spyOn(fs, 'openSync').mockImplementation(() => {
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
      });
      try {
        return await server.call('get', '/docs/errors');
      } finally {
        open.mockRestore();
      }
    },
    expected: { status: 503, retryAfter: 'some' },
    calls: { 'entra.discovery': 2, 'entra.keys': 1 },
  }),
  server_overloaded: () => ({
    trigger: async (_server, user) => {
      const server = await startReadyServer(system, { MAX_REQUESTS_IN_FLIGHT: '1' });
      system.emulator.delay('graph.me', 2_000);
      const waiting = getToken(server, user).then();
      await until(() => system.emulator.callsTo('graph.me') === 1);
      const response = await getToken(server, user);
      await waiting;
      return response;
    },
    expected: { status: 503, retryAfter: 'some' },
    // Those of the start, and those of the waiting request.
    calls: {
      'entra.discovery': 2,
      'entra.keys': 1,
      ...oboAndGraph,
      'acs.identity.create': 1,
      'graph.extension.create': 1,
    },
  }),
  upstream_unavailable: () => ({
    trigger: (server, user) => {
      system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 500, times: Infinity });
      return getToken(server, user);
    },
    expected: {
      status: 503,
      innererror: { upstream: 'Microsoft Graph', operation: 'read user and extensions', status: 500 },
      retryAfter: 'some',
    },
    // Two retries.
    calls: { 'entra.token.on_behalf_of': 1, 'graph.me': 3 },
  }),
  upstream_throttled: () => ({
    trigger: (server, user) => {
      const headers = { 'retry-after': '30' };
      system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 429, headers, times: Infinity });
      return getToken(server, user);
    },
    expected: {
      status: 503,
      innererror: { upstream: 'Microsoft Graph', operation: 'read user and extensions', status: 429 },
      retryAfter: 30,
    },
    // A retry before the Retry-After would be useless, and the request cannot wait that long.
    calls: oboAndGraph,
  }),
  upstream_timeout: () => ({
    trigger: async (_server, user) => {
      const shortDeadline = await system.startAnother({}, { ...fastTimings, workInMs: 400 });
      await shortDeadline.ready();
      system.emulator.fail({ operation: 'entra.token', kind: 'hang', times: Infinity });
      return getToken(shortDeadline, user);
    },
    // Two nested time limits end within a millisecond of each other.
    expected: {
      status: 504,
      innererror: { upstream: 'Microsoft Entra ID', operation: 'exchange token On-Behalf-Of' },
      retryAfter: 'some',
    },
    calls: {
      'entra.discovery': 2,
      'entra.keys': 1,
      'entra.token.on_behalf_of': expect.any(Number) as number,
    },
  }),
};

describe('every error code', () => {
  it.each(Object.keys(errorCodes) as ErrorCode[])('%s has the documented response', async (code) => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const { trigger, expected, calls } = cases[code]();
    const user = emulator.addUser();
    const made = await callsDuring(emulator, async () => {
      expectError(await trigger(server, user), { ...expected, code });
    });
    expect(made).toEqual(calls);
    expect(expected.status).toBe(errorCodes[code]);
  });
});

describe('a request body', () => {
  const post = () =>
    system
      .call('post', '/exchangeToken', system.emulator.accessToken({ user: 'carol' }))
      .set('teams-user-aad-token', system.emulator.teamsToken());

  it.each<[string, string, string]>([
    ['truncated JSON', 'application/json', '{"teamsUserAadToken":"ey'],
    ['not JSON', 'application/json', 'teamsUserAadToken=ey'],
    ['JSON with a trailing comma', 'application/json', '{"teamsUserAadToken":"ey",}'],
    ['an array', 'application/json', '[]'],
    ['a bare string', 'application/json', '"ey"'],
    ['null', 'application/json', 'null'],
    ['an unknown property', 'application/json', '{"teamsUserAadToken":"ey","user":"8:acs:victim"}'],
    ['a property in lower case', 'application/json', '{"teamsuseraadtoken":"ey"}'],
    ['a __proto__ property', 'application/json', '{"__proto__":{"teamsUserAadToken":"ey"}}'],
    ['a token that is a number', 'application/json', '{"teamsUserAadToken":1}'],
    ['a token that is null', 'application/json', '{"teamsUserAadToken":null}'],
    ['a token that is an array', 'application/json', '{"teamsUserAadToken":["ey"]}'],
    ['JSON in another character set', 'application/json; charset=koi8-r', '{}'],
  ])('with %s is rejected', async (_, type, text) => {
    const response = await post().set('Content-Type', type).serialize(String).send(text);
    expectError(response, { status: 400, code: 'invalid_request', target: 'body' });
    expect(system.emulator.calls()).toEqual({});
  });

  it('in an unknown encoding is rejected', async () => {
    const response = await post().set('Content-Encoding', 'rot13').send({});
    expectError(response, { status: 400, code: 'invalid_request', target: 'body' });
  });

  it.each<[string, (path: string) => PromiseLike<ApiResponse>]>([
    [
      'by its Content-Length',
      (path) =>
        system
          .call('post', path, system.emulator.accessToken())
          .type('json')
          .send(`"${'e'.repeat(65_536)}"`),
    ],
    [
      'by its Content-Length, before the token is checked',
      (path) => system.call('post', path).send('e'.repeat(65_537)),
    ],
    [
      'without a Content-Length',
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
  ])('that is too large %s is rejected', async (_, send) => {
    expectError(await send('/exchangeToken'), { status: 413, code: 'body_too_large', target: 'body' });
  });

  it('that is too large after decompression is rejected', async () => {
    const packed = gzipSync(JSON.stringify({ teamsUserAadToken: 'e'.repeat(1_000_000) }));
    const response = await post()
      .set('Content-Encoding', 'gzip')
      .type('json')
      .serialize((body) => body as string)
      .send(packed as unknown as string);
    expectError(response, { status: 413, code: 'body_too_large', target: 'body' });
  });

  it('that is malformed is ignored by an operation without a body', async () => {
    const token = system.emulator.accessToken();
    const response = await system.call('post', '/api/user', token).type('json').send('{"cut');
    expect(response.status).toBe(201);
  });

  it('is not parsed before the caller is authenticated', async () => {
    const response = await system.call('post', '/exchangeToken').type('json').send('{"cut');
    expectError(response, { status: 401, code: 'missing_token', challenge: challenges().withoutError });
  });
});

describe('a path', () => {
  it.each([
    ...['/api', '/api/', '/api/token/other', '/getToken/8:acs:victim', '/api/user/8:acs:victim'],
    ...['/health', '/.env', '/server.js', '/api/..%2fgetToken'],
  ])('%s that does not exist gets 404, with or without a token', async (path) => {
    const expected: ExpectedError = { status: 404, code: 'not_found' };
    expectError(await system.call('get', path), expected);
    expectError(await system.call('get', path, system.emulator.accessToken()), expected);
    expect(system.emulator.calls()).toEqual({});
  });

  it('with malformed percent encoding gets 404', async () => {
    const response = await rawRequest(system.url, { method: 'GET', path: '/api/%E0%A4%A' });
    expectError(response, { status: 404, code: 'not_found' });
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

  it.each(Object.entries(allowed))(
    'that %s does not allow (it allows %s) is rejected',
    async (path, allow) => {
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
    },
  );

  it.each(Object.entries(allowed))(
    'HEAD %s is rejected, because its response would be dropped',
    async (path, allow) => {
      const response = await system.call('head', path, system.emulator.accessToken());
      expect(response.status).toBe(405);
      expect(response.headers).toMatchObject({ allow, 'x-ms-error-code': 'method_not_allowed' });
      expectCommonHeaders(response);
      expect(system.emulator.calls()).toEqual({});
    },
  );

  it.each(Object.entries(allowed))('OPTIONS %s lists the allowed methods', async (path, allow) => {
    const response = await system.call('options', path);
    expect({ status: response.status, allow: response.headers.allow }).toEqual({ status: 204, allow });
    expectCommonHeaders(response);
  });
});

describe('the rate limit', () => {
  const accepted: ExpectedError = { status: 400, code: 'teams_token_missing', target };
  const limited: ExpectedError = { status: 429, code: 'too_many_requests', retryAfter: 60 };

  it('per user counts all tokens of that user, and resets', async () => {
    const { emulator } = system;
    const clock = fakeDate();
    const server = await startReadyServer(system, { RATE_LIMIT_USER: '3' });
    const call = (user: string) => server.call('get', '/exchangeToken', emulator.accessToken({ user }));
    for (let request = 1; request <= 3; request += 1) expectError(await call('alice'), accepted);
    expectError(await call('alice'), limited);
    expectError(await call('bob'), accepted);
    clock.advance(45_000);
    expectError(await call('alice'), { ...limited, retryAfter: 15 });
    clock.advance(15_000);
    expectError(await call('alice'), accepted);
  });

  it('per user accepts that many of more requests that arrive together', async () => {
    const server = await startReadyServer(system, { RATE_LIMIT_USER: '3' });
    const head = `GET /exchangeToken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${system.emulator.accessToken()}\r\n`;
    const responses = await sendRaw(server.url, `${head}\r\n`.repeat(4) + `${head}Connection: close\r\n\r\n`);
    const statuses = [...responses.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual(['400', '400', '400', '429', '429']);
  });

  it('ends in time although the clock was set back', async () => {
    const { emulator } = system;
    const clock = fakeDate();
    const server = await startReadyServer(system, { RATE_LIMIT_USER: '1', RATE_LIMIT_REJECTED: '1' });
    const calls = [
      () => server.call('get', '/exchangeToken', emulator.accessToken()),
      () => server.call('get', '/exchangeToken', 'invalid'),
    ];
    for (const call of calls) {
      await call();
      expectError(await call(), limited);
    }
    clock.advance(-240_000);
    for (const call of calls) expect((await call()).status).not.toBe(429);
    for (const call of calls) expectError(await call(), limited);
  });

  it('per user makes no upstream call once it is reached', async () => {
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

  it('on rejected requests counts per address, ignores valid tokens, and resets', async () => {
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
      challenge: challenges().withoutError,
    });
    expectError(await server.call('get', '/exchangeToken', emulator.accessToken({ defect: 'no_scope' })), {
      status: 403,
      code: 'insufficient_scope',
      challenge: challenges().insufficientScope,
    });
    expectError(await bad(), invalid);
    expectError(await bad(), limited);
    expectError(await server.call('get', '/exchangeToken', emulator.accessToken()), accepted);
    clock.advance(60_000);
    expectError(await bad(), invalid);
  });

  it('on rejected requests uses the address that a trusted proxy reports', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system, { RATE_LIMIT_REJECTED: '1', TRUST_PROXY_HOPS: '1' });
    const from = (address: string) =>
      server
        .call('get', '/exchangeToken', emulator.accessToken({ defect: 'expired' }))
        .set('X-Forwarded-For', address);
    // App Service adds the port, and the proxy appends its value after whatever the caller sent.
    expect((await from('203.0.113.7:50001')).status).toBe(401);
    expect((await from('203.0.113.7:50002')).status).toBe(429);
    expect((await from('198.51.100.1, 203.0.113.7')).status).toBe(429);
    expect((await from('203.0.113.8')).status).toBe(401);
  });

  it('on rejected requests ignores X-Forwarded-For if no proxy is trusted', async () => {
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
