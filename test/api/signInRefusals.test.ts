import type { User } from '../../emulator/startEmulator';
import { type ApiResponse, challengesOf, expectError, parseChallenge } from '../support/responses';
import { callsDuring, callsSince } from '../support/calls';
import { mappingOf } from '../support/mappings';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

/** What the caller gets when Microsoft Entra ID or Microsoft Graph refuses a request on behalf of the user. */
let system: System;
let server: TestServer;
let user: User;
let calledBefore: Record<string, number>;
beforeAll(async () => (system = await startReadySystem()));
beforeEach(async () => {
  // A new server and a new user: empty caches and closed circuit breakers.
  server = await startReadyServer(system);
  user = system.emulator.addUser();
  calledBefore = system.emulator.calls();
});
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const getToken = () => server.call('get', '/getToken', system.emulator.accessToken({ user }));

/** The upstream calls of the test so far. */
const callsMade = () => callsSince(system.emulator, calledBefore);

function expectNothingLeft(): void {
  expect({
    identities: system.emulator.identities(),
    mapping: mappingOf(system.emulator, user),
  }).toEqual({ identities: [], mapping: undefined });
}

const oneExchange = { 'entra.token.on_behalf_of': 1 };
const entraMessage = 'AADSTS: a description by Microsoft Entra ID that only the log may contain';

interface EntraRefusal {
  status?: number;
  error: string;
  codes?: number[];
  suberror?: string;
  claims?: string;
}

/** Makes the next On-Behalf-Of exchanges fail with such a body. */
function refuse({
  status = 400,
  error,
  codes,
  suberror,
  claims,
}: Omit<EntraRefusal, 'codes'> & { codes?: unknown[] | undefined }): void {
  system.emulator.fail({
    operation: 'entra.token.on_behalf_of',
    kind: 'status',
    status,
    times: Infinity,
    body: {
      error,
      error_description: entraMessage,
      ...(codes ? { error_codes: codes } : {}),
      ...(suberror === undefined ? {} : { suberror }),
      ...(claims === undefined ? {} : { claims }),
    },
  });
}

const expectedClaims = {
  access_token: { polids: { essential: true, values: ['b0110000-0000-4000-8000-000000000007'] } },
};

describe('a claims challenge', () => {
  function expectChallenge(response: ApiResponse, claims: unknown): void {
    const challenge = challengesOf(system.emulator).insufficientClaims(claims);
    expectError(response, { status: 401, code: 'insufficient_claims', challenge });
  }

  it.each([50076, 50079] as const)(
    'from Microsoft Entra ID (%d) is passed to the caller, encoded as base64',
    async (code) => {
      const { switches } = system.emulator;
      switches.requireMfaFor.add(user.objectId);
      switches.mfaError = code;
      const response = await getToken();
      expectChallenge(response, expectedClaims);
      const { claims = '' } = parseChallenge(response.headers['www-authenticate'] ?? '');
      expect(JSON.parse(Buffer.from(claims, 'base64').toString('utf8'))).toEqual(expectedClaims);
      expect(callsMade()).toEqual(oneExchange);
      expectNothingLeft();
    },
  );

  it('is satisfied by a token from a sign-in with those claims', async () => {
    const { emulator } = system;
    emulator.switches.requireMfaFor.add(user.objectId);
    expectChallenge(await getToken(), expectedClaims);
    const token = emulator.accessToken({
      user,
      claims: { acrs: expectedClaims.access_token.polids.values },
    });
    expect((await server.call('get', '/getToken', token)).status).toBe(200);
  });

  it('affects only its own user', async () => {
    const { emulator } = system;
    emulator.switches.requireMfaFor.add(user.objectId);
    const other = emulator.addUser();
    const [challenged, served] = await Promise.all([
      getToken(),
      server.call('get', '/getToken', emulator.accessToken({ user: other })),
    ]);
    expectChallenge(challenged, expectedClaims);
    expect(served.status).toBe(200);
  });

  it('is minified', async () => {
    refuse({
      error: 'interaction_required',
      codes: [50076],
      claims: '{\n  "access_token": { "acrs": { "value": "c1" } }\n}',
    });
    expectChallenge(await getToken(), { access_token: { acrs: { value: 'c1' } } });
  });

  it('is passed on when conditional access blocks the user (53003)', async () => {
    refuse({ error: 'invalid_grant', codes: [53003], claims: JSON.stringify(expectedClaims) });
    expectChallenge(await getToken(), expectedClaims);
  });

  it('may have no claims: the caller must sign in again', async () => {
    refuse({ error: 'interaction_required', codes: [50076] });
    const { realm, ...challenge } = challengesOf(system.emulator).invalidToken;
    expectError(await getToken(), {
      status: 401,
      code: 'insufficient_claims',
      challenge: {
        realm,
        authorization_uri: challenge.authorization_uri,
        error: 'insufficient_claims',
      },
    });
  });

  it('from Microsoft Graph is passed to the caller', async () => {
    system.emulator.switches.graphRejectsWithClaims.add(user.objectId);
    expectChallenge(await getToken(), expectedClaims);
    expect(callsMade()).toEqual({ ...oneExchange, 'graph.me': 1 });
    expectNothingLeft();
  });

  it.each([
    [401, ''],
    [403, ''],
    [403, '{}'],
    [401, '<html>'],
  ])('from Microsoft Graph may come with status %d and the body "%s"', async (status, body) => {
    const claims = Buffer.from(JSON.stringify(expectedClaims)).toString('base64');
    const headers = { 'www-authenticate': `Bearer error="insufficient_claims", claims="${claims}"` };
    system.emulator.fail({ operation: 'graph.me', kind: 'status', status, headers, body });
    expectChallenge(await getToken(), expectedClaims);
  });
});

describe('missing consent', () => {
  it('responds with 403 and says how to consent, until the user has consented', async () => {
    const { emulator } = system;
    emulator.switches.consentRequiredFor.add(user.objectId);
    const response = await getToken();
    expectError(response, { status: 403, code: 'consent_required', innererror: { code: 'AADSTS65001' } });
    expect(response.body.error.message).toContain('prompt=consent');
    expect(response.body.error.message).toContain(
      `${emulator.url}/${emulator.tenantId}/v2.0/adminconsent?client_id=${emulator.authServer.clientId}`,
    );
    expect(callsMade()).toEqual(oneExchange);
    emulator.switches.consentRequiredFor.clear();
    expect((await getToken()).status).toBe(200);
  });

  it.each<[string, EntraRefusal]>([
    ['65001 without a suberror', { error: 'invalid_grant', codes: [65001] }],
    [
      '65001 as interaction_required',
      { error: 'interaction_required', codes: [65001], suberror: 'consent_required' },
    ],
    ['65004, declined', { error: 'invalid_grant', codes: [65004] }],
    ['90094, administrator consent required', { error: 'invalid_grant', codes: [90094] }],
  ])('is recognized by %s', async (_, refusal) => {
    refuse(refusal);
    const [code] = refusal.codes ?? [];
    expectError(await getToken(), {
      status: 403,
      code: 'consent_required',
      innererror: { code: `AADSTS${code ?? ''}` },
    });
    expect(callsMade()).toEqual(oneExchange);
  });
});

describe('an access token that Microsoft Entra ID no longer accepts', () => {
  it.each([
    [50013, 'invalid signature'],
    [500131, 'wrong audience'],
    [500133, 'expired'],
    [50173, 'grant revoked'],
    [50057, 'user disabled'],
    [50034, 'user does not exist'],
    [70043, 'sign-in too old'],
  ])('(%d: %s) gives 401, so that the caller signs in again', async (code) => {
    refuse({ error: 'invalid_grant', codes: [code] });
    expectError(await getToken(), {
      status: 401,
      code: 'invalid_token',
      innererror: { code: `AADSTS${code}` },
      challenge: challengesOf(system.emulator).invalidToken,
    });
    expect(callsMade()).toEqual(oneExchange);
    expectNothingLeft();
  });

  it.each([undefined, [], ['x'], [{}]])('without an error number (%j) gives 401', async (codes) => {
    refuse({ error: 'invalid_grant', codes });
    expectError(await getToken(), {
      status: 401,
      code: 'invalid_token',
      innererror: { code: 'refused_by_entra' },
      challenge: challengesOf(system.emulator).invalidToken,
    });
  });

  it('does not affect the next request of the same user', async () => {
    const { emulator } = system;
    emulator.fail({
      operation: 'entra.token.on_behalf_of',
      kind: 'status',
      status: 400,
      body: { error: 'invalid_grant', error_codes: [50173] },
    });
    expect((await getToken()).status).toBe(401);
    expect((await getToken()).status).toBe(200);
  });
});

describe('a refusal caused by wrong settings of this server', () => {
  const refusedByEntra = (status: number) => ({
    status: 502,
    code: 'upstream_refused' as const,
    innererror: { upstream: 'Microsoft Entra ID', operation: 'exchange token On-Behalf-Of', status },
  });

  it.each<[string, EntraRefusal & { status: number }]>([
    ['7000215, a wrong secret', { status: 401, error: 'invalid_client', codes: [7000215] }],
    ['7000222, an expired secret', { status: 401, error: 'invalid_client', codes: [7000222] }],
    ['700016, an unknown application', { status: 400, error: 'unauthorized_client', codes: [700016] }],
    ['90002, an unknown tenant', { status: 400, error: 'invalid_tenant', codes: [90002] }],
    ['70011, a scope that does not exist', { status: 400, error: 'invalid_scope', codes: [70011] }],
  ])('(%s) gives 502, not 401, and is not retried', async (_, refusal) => {
    refuse(refusal);
    const response = await getToken();
    expectError(response, refusedByEntra(refusal.status));
    expect(response.text).not.toContain(entraMessage);
    expect(callsMade()).toEqual(oneExchange);
    expectNothingLeft();
  });

  it('does not reveal the client secret', async () => {
    const secret = 'canary-secret-of-the-registration';
    const misconfigured = await startReadyServer(system, { AZURE_CLIENT_SECRET: secret });
    const token = system.emulator.accessToken({ user });
    const response = await misconfigured.call('get', '/getToken', token);
    expectError(response, refusedByEntra(401));
    expect(JSON.stringify([response.text, response.headers, misconfigured.rawLog])).not.toContain(secret);
  });
});

describe('an outage of Microsoft Entra ID', () => {
  it.each<[string, EntraRefusal]>([
    ['90033, transient', { status: 503, error: 'temporarily_unavailable', codes: [90033] }],
    ['90033 with status 500', { status: 500, error: 'server_error', codes: [90033] }],
  ])('(%s) gives 503, not 401', async (_, refusal) => {
    refuse(refusal);
    expectError(await getToken(), {
      status: 503,
      code: 'upstream_unavailable',
      innererror: {
        upstream: 'Microsoft Entra ID',
        operation: 'exchange token On-Behalf-Of',
        status: expect.any(Number),
      },
      retryAfter: 'some',
    });
  });

  it('for one user does not affect other users', async () => {
    const { emulator } = system;
    const headers = { 'retry-after': '60' };
    emulator.fail({ operation: 'entra.token.on_behalf_of', kind: 'status', status: 429, headers });
    expectError(await getToken(), {
      status: 503,
      code: 'upstream_throttled',
      innererror: {
        upstream: 'Microsoft Entra ID',
        operation: 'exchange token On-Behalf-Of',
        status: 429,
      },
      retryAfter: 60,
    });
    const other = emulator.accessToken({ user: emulator.addUser() });
    expect((await server.call('get', '/getToken', other)).status).toBe(200);
  });
});

describe('a request loop (50196)', () => {
  const throttled = {
    status: 503,
    code: 'upstream_throttled' as const,
    innererror: {
      upstream: 'Microsoft Entra ID',
      operation: 'exchange token On-Behalf-Of',
      status: 400,
    },
    retryAfter: 60,
  };

  it.each(['invalid_grant', 'temporarily_unavailable'])(
    'reported as %s gives 503, not 401, and is not retried',
    async (error) => {
      refuse({ error, codes: [50196] });
      expectError(await getToken(), throttled);
      expect(callsMade()).toEqual(oneExchange);
    },
  );

  it('of one user does not affect other users', async () => {
    const { emulator } = system;
    refuse({ error: 'temporarily_unavailable', codes: [50196] });
    for (let call = 0; call < 30; call += 1) expectError(await getToken(), throttled);
    emulator.clearFaults();
    const other = emulator.accessToken({ user: emulator.addUser() });
    expect((await server.call('get', '/getToken', other)).status).toBe(200);
  });
});

describe('a token for Microsoft Graph', () => {
  it.each(['a\r\nX-Injected: b', 'tökén', 'two words', 'a\0b'])(
    'that no header can carry (%j) is an invalid response of Microsoft Entra ID, and is not kept',
    async (accessToken) => {
      const { emulator } = system;
      const body = JSON.stringify({
        token_type: 'Bearer',
        scope: 'User.ReadWrite',
        expires_in: 3_600,
        access_token: accessToken,
      });
      emulator.fail({ operation: 'entra.token.on_behalf_of', kind: 'malformed', body });
      const bearer = emulator.accessToken({ user });
      expectError(await server.call('get', '/getToken', bearer), {
        status: 502,
        code: 'upstream_invalid_response',
        innererror: { upstream: 'Microsoft Entra ID', operation: 'exchange token On-Behalf-Of' },
      });
      expect(callsMade()).toEqual(oneExchange);
      expect((await server.call('get', '/getToken', bearer)).status).toBe(200);
    },
  );
});

describe('Microsoft Graph', () => {
  const newUser = {
    'entra.token.on_behalf_of': 1,
    'graph.me': 1,
    'acs.identity.create': 1,
    'graph.extension.create': 1,
  };

  it.each([
    ['graph.me', { ...newUser, 'entra.token.on_behalf_of': 2, 'graph.me': 2 }],
    ['graph.extension.create', { ...newUser, 'entra.token.on_behalf_of': 2, 'graph.extension.create': 2 }],
  ])('rejects the token once: %s is repeated with a new one', async (operation, calls) => {
    system.emulator.fail({ operation, kind: 'status', status: 401 });
    expect((await getToken()).status).toBe(200);
    expect(callsMade()).toEqual(calls);
    expect(system.emulator.identities()).toHaveLength(1);
  });

  it('rejects every token: the response is 502 after two attempts', async () => {
    system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 401, times: Infinity });
    expectError(await getToken(), {
      status: 502,
      code: 'upstream_refused',
      innererror: { upstream: 'Microsoft Graph', operation: 'read user and extensions', status: 401 },
    });
    expect(callsMade()).toEqual({ 'entra.token.on_behalf_of': 2, 'graph.me': 2 });
  });

  it.each(['graph.me', 'graph.extension.create'])(
    'denies %s: the response names the permission, and no orphan remains',
    async (operation) => {
      const { emulator } = system;
      const body = {
        error: {
          code: 'Authorization_RequestDenied',
          message: 'Insufficient privileges to complete the operation.',
        },
      };
      emulator.fail({ operation, kind: 'status', status: 403, body, times: Infinity });
      const response = await getToken();
      expectError(response, {
        status: 403,
        code: 'consent_required',
        innererror: { code: 'graph_access_denied' },
      });
      expect(response.body.error.message).toContain('User.ReadWrite');
      expect(emulator.callsTo(operation)).toBe(1);
      expectNothingLeft();
    },
  );

  it.each(['graph.me', 'graph.extension.create'])(
    'is not what denies %s if the 403 has no error code: a proxy does',
    async (operation) => {
      const { emulator } = system;
      emulator.fail({ operation, kind: 'status', status: 403, body: '<html>Blocked', times: Infinity });
      const { status, body } = await getToken();
      expect([status, body.error?.code]).toEqual([502, 'upstream_refused']);
      expect(emulator.callsTo(operation)).toBe(1);
      expectNothingLeft();
    },
  );

  it('denies the deletion of the mapping once: the delete can be repeated', async () => {
    const { emulator } = system;
    expect((await getToken()).status).toBe(200);
    emulator.fail({ operation: 'graph.extension.delete', kind: 'status', status: 403 });
    const token = emulator.accessToken({ user });
    expectError(await server.call('delete', '/api/user', token), {
      status: 403,
      code: 'consent_required',
      innererror: { code: 'graph_access_denied' },
    });
    const again = await callsDuring(emulator, async () =>
      expect((await server.call('delete', '/api/user', token)).status).toBe(204),
    );
    expect(again).toMatchObject({ 'acs.identity.delete': 1, 'graph.extension.delete': 1 });
    expectNothingLeft();
  });
});
