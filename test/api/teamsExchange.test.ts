import { allDefects, type Defect, type TeamsTokenOptions } from '../../emulator/startEmulator';
import type { ErrorCode } from '../../src/errors';
import { type ApiResponse, expectCommonHeaders, expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { rawRequest } from '../support/rawRequest';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const path = '/api/token/teams';
const header = 'teams-user-aad-token';
const otherApp = '0de20000-0000-4000-8000-0000000000aa';

/** An access token of Carol, who has a Teams license. */
const accessToken = () => system.emulator.accessToken({ user: 'carol' });
const exchange = (teamsToken: string) => system.call('get', path, accessToken()).set(header, teamsToken);

function expectToken(response: ApiResponse): void {
  expect({ status: response.status, body: response.body }).toEqual({
    status: 200,
    body: {
      token: expect.stringMatching(/^eyJ/),
      expiresOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    },
  });
  expectCommonHeaders(response);
}

function expectRefused(response: ApiResponse, code: ErrorCode): void {
  expectError(response, { status: 400, code, target: 'teamsUserAadToken' });
}

const oneExchange = { 'acs.teams.exchange': 1 };

describe('a Teams token', () => {
  it.each<[string, (teamsToken: string) => PromiseLike<ApiResponse>]>([
    ['in the header of GET /api/token/teams', exchange],
    [
      'in the header of GET /exchangeToken',
      (token) => system.call('get', '/exchangeToken', accessToken()).set(header, token),
    ],
    [
      'in the header of POST /exchangeToken',
      (token) => system.call('post', '/exchangeToken', accessToken()).set(header, token),
    ],
    [
      'in the body of POST /exchangeToken',
      (token) => system.call('post', '/exchangeToken', accessToken()).send({ teamsUserAadToken: token }),
    ],
    [
      'in the body of POST /api/token/teams',
      (token) => system.call('post', path, accessToken()).send({ teamsUserAadToken: token }),
    ],
    [
      'in header and body, the same',
      (token) =>
        system.call('post', path, accessToken()).set(header, token).send({ teamsUserAadToken: token }),
    ],
    [
      'in the header, with an empty body',
      (token) => system.call('post', path, accessToken()).set(header, token).send({}),
    ],
  ])('is exchanged in one call: %s', async (_, send) => {
    const { emulator } = system;
    const teamsToken = emulator.teamsToken();
    const made = await callsDuring(emulator, async () => expectToken(await send(teamsToken)));
    expect(made).toEqual(oneExchange);
    expect({ identities: emulator.identities(), mappings: emulator.mappings() }).toEqual({
      identities: [],
      mappings: [],
    });
  });

  it('gives a token with the same expiry', async () => {
    const teamsToken = system.emulator.teamsToken({ lifetimeInSeconds: 4_000 });
    const { body } = await exchange(teamsToken);
    const [, claims = ''] = teamsToken.split('.');
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number };
    expect(Math.floor(Date.parse(body.expiresOn) / 1_000)).toBe(exp);
  });

  it('is exchanged again for every request', async () => {
    const { emulator } = system;
    const teamsToken = emulator.teamsToken();
    const made = await callsDuring(emulator, async () => {
      expectToken(await exchange(teamsToken));
      expectToken(await exchange(teamsToken));
    });
    expect(made).toEqual({ 'acs.teams.exchange': 2 });
  });

  it('is exchanged while Microsoft Entra ID and Microsoft Graph are down', async () => {
    const { emulator } = system;
    emulator.fail({ operation: 'entra', kind: 'drop', times: Infinity });
    emulator.fail({ operation: 'graph', kind: 'drop', times: Infinity });
    expectToken(await exchange(emulator.teamsToken()));
  });

  it.each<[string, TeamsTokenOptions]>([
    [
      'for the application id of Azure Communication Services',
      { claims: { aud: '1fd5118e-2576-4263-8130-9503064c837a' } },
    ],
    ['with one of the two scopes', { scope: 'Teams.ManageCalls' }],
  ])('is accepted: %s', async (_, options) => {
    expectToken(await exchange(system.emulator.teamsToken(options)));
  });
});

describe('a wrong Teams token', () => {
  /** The result for a token with each defect: exchanged, or rejected by this server or by ACS. */
  const outcomes: Record<Defect, 'exchanged' | { here: ErrorCode } | 'by ACS'> = {
    expired: { here: 'teams_token_expired' },
    no_expiry: { here: 'teams_token_expired' },
    wrong_audience: { here: 'teams_token_wrong_audience' },
    graph_audience: { here: 'teams_token_wrong_audience' },
    audience_of_client: { here: 'teams_token_wrong_audience' },
    audience_array: { here: 'teams_token_wrong_audience' },
    no_audience: { here: 'teams_token_wrong_audience' },
    id_token: { here: 'teams_token_wrong_audience' },
    id_token_for_api: { here: 'teams_token_wrong_audience' },
    other_tenant: { here: 'teams_token_wrong_tenant' },
    tenant_mismatch: { here: 'teams_token_wrong_tenant' },
    no_tid: { here: 'teams_token_wrong_tenant' },
    wrong_user: { here: 'teams_token_wrong_user' },
    no_oid: { here: 'teams_token_wrong_user' },
    tampered_claims: { here: 'teams_token_wrong_user' },
    app_only: { here: 'teams_token_wrong_user' },
    wrong_app: { here: 'teams_token_wrong_app' },
    no_app: { here: 'teams_token_wrong_app' },
    alg_none: { here: 'teams_token_malformed' },
    truncated: { here: 'teams_token_malformed' },
    claims_not_json: { here: 'teams_token_malformed' },
    not_a_token: { here: 'teams_token_malformed' },
    wrong_issuer: 'by ACS',
    issuer_prefix: 'by ACS',
    no_issuer: 'by ACS',
    unknown_key: 'by ACS',
    wrong_key: 'by ACS',
    bad_signature: 'by ACS',
    cut_signature: 'by ACS',
    hs256_with_public_key: 'by ACS',
    rs512: 'by ACS',
    embedded_jwk: 'by ACS',
    embedded_certificate: 'by ACS',
    no_kid: 'by ACS',
    no_scope: 'by ACS',
    empty_scope: 'by ACS',
    wrong_scope: 'by ACS',
    scope_case: 'by ACS',
    scope_array: 'by ACS',
    scope_in_roles: 'by ACS',
    // The server leaves these to ACS, and the emulated ACS accepts them.
    not_yet_valid: 'exchanged',
    scope_prefix: 'exchanged',
    typ_missing: 'exchanged',
  };

  it('the table of expected results covers exactly the known defects', () => {
    expect(Object.keys(outcomes).sort()).toEqual([...allDefects].sort());
  });

  it.each(allDefects)('with the defect %s gets the expected response', async (defect) => {
    const { emulator } = system;
    const outcome = outcomes[defect];
    const made = await callsDuring(emulator, async () => {
      const response = await exchange(emulator.teamsToken({ defect }));
      if (outcome === 'exchanged') expectToken(response);
      else expectRefused(response, typeof outcome === 'object' ? outcome.here : 'teams_token_rejected');
    });
    // What this server can check needs no call, and a rejection by ACS is not retried.
    expect(made).toEqual(typeof outcome === 'object' ? {} : oneExchange);
  });

  it.each<[string, (teamsToken: string) => PromiseLike<ApiResponse>, ErrorCode]>([
    ['absent from a GET', () => system.call('get', path, accessToken()), 'teams_token_missing'],
    ['absent from a POST', () => system.call('post', path, accessToken()), 'teams_token_missing'],
    ['empty in the header', () => exchange(''), 'teams_token_missing'],
    ['blank in the header', () => exchange('   '), 'teams_token_missing'],
    ['absent from the body', () => system.call('post', path, accessToken()).send({}), 'teams_token_missing'],
    [
      'empty in the body',
      () => system.call('post', path, accessToken()).send({ teamsUserAadToken: '' }),
      'teams_token_missing',
    ],
    [
      'in a body that is not JSON',
      (token) => system.call('post', path, accessToken()).type('form').send({ teamsUserAadToken: token }),
      'teams_token_missing',
    ],
    [
      'in the query',
      (token) => system.call('get', `${path}?teamsUserAadToken=${token}`, accessToken()),
      'teams_token_missing',
    ],
    ['with a Bearer prefix', (token) => exchange(`Bearer ${token}`), 'teams_token_malformed'],
    ['another string', () => exchange('undefined'), 'teams_token_malformed'],
    ['the access token itself', () => exchange(accessToken()), 'teams_token_wrong_audience'],
    [
      'one for Microsoft Graph',
      () => exchange(system.emulator.graphToken({ user: 'carol' })),
      'teams_token_wrong_audience',
    ],
    [
      "another user's valid Teams token",
      () => exchange(system.emulator.teamsToken({ user: 'alice' })),
      'teams_token_wrong_user',
    ],
  ])('%s', async (_, send, code) => {
    const { emulator } = system;
    const made = await callsDuring(emulator, async () =>
      expectRefused(await send(emulator.teamsToken()), code),
    );
    expect(made).toEqual({});
  });

  it('is rejected if header and body hold different ones', async () => {
    const { emulator } = system;
    const response = await system
      .call('post', path, accessToken())
      .set(header, emulator.teamsToken())
      .send({ teamsUserAadToken: emulator.teamsToken() });
    expectError(response, { status: 400, code: 'invalid_request', target: 'teamsUserAadToken' });
    expect(emulator.calls()).toEqual({});
  });

  it('is rejected if the header is sent twice', async () => {
    const { emulator } = system;
    const headers = ['Authorization', `Bearer ${accessToken()}`];
    headers.push(header, emulator.teamsToken(), header, emulator.teamsToken());
    const response = await rawRequest(system.url, { method: 'GET', path, headers });
    expectRefused(response, 'teams_token_malformed');
    expect(emulator.calls()).toEqual({});
  });
});

describe('the application that the Teams token was issued to', () => {
  it('may differ from that of the access token if ALLOWED_CLIENT_IDS lists both', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system, {
      ALLOWED_CLIENT_IDS: `${emulator.authClient.clientId},${otherApp}`,
    });
    const call = (client: string) =>
      server.call('get', path, accessToken()).set(header, emulator.teamsToken({ client }));
    expectToken(await call(otherApp));
    expectToken(await call(emulator.authClient.clientId));
    expectRefused(await call('0de20000-0000-4000-8000-0000000000bb'), 'teams_token_wrong_app');
  });

  it('must be listed if the access token does not name its client', async () => {
    const { emulator } = system;
    const call = (client: string) =>
      system
        .call('get', path, emulator.accessToken({ user: 'carol', defect: 'no_app' }))
        .set(header, emulator.teamsToken({ client }));
    expectRefused(await call(emulator.authClient.clientId), 'teams_token_wrong_app');
  });

  it('is compared across version 1 and version 2 tokens', async () => {
    const { emulator } = system;
    for (const version of [1, 2] as const) {
      const response = await system
        .call('get', path, emulator.accessToken({ user: 'carol', version, client: otherApp }))
        .set(header, emulator.teamsToken({ client: otherApp }));
      expectToken(response);
    }
  });
});

describe('a refusal by Azure Communication Services', () => {
  const failExchange = (status: number, body: unknown) =>
    system.emulator.fail({ operation: 'acs.teams.exchange', kind: 'status', status, body });
  const refuseExchange = (status: number, code: string, message: string) =>
    failExchange(status, { error: { code, message } });
  const refused = (status: number) => ({
    status: 502,
    code: 'upstream_refused' as const,
    innererror: { upstream: 'Azure Communication Services', operation: 'exchange Teams token', status },
  });

  it('because of a missing Teams license is reported as teams_token_rejected', async () => {
    const { emulator } = system;
    const made = await callsDuring(emulator, async () => {
      const response = await system
        .call('get', path, emulator.accessToken({ user: 'alice' }))
        .set(header, emulator.teamsToken({ user: 'alice' }));
      expectRefused(response, 'teams_token_rejected');
    });
    expect(made).toEqual(oneExchange);
  });

  it.each([
    [400, 'ValidationError', 'AAD application is not the expected one.'],
    [400, 'ValidationError', 'Provided AAD token issued for unexpected user.'],
    [401, 'InvalidAccessToken', 'Provided access token is not valid.'],
    [403, 'Forbidden', 'The user is not licensed for Teams.'],
  ])('with %d %s (%s) is reported as teams_token_rejected', async (status, code, message) => {
    refuseExchange(status, code, message);
    expectRefused(await exchange(system.emulator.teamsToken()), 'teams_token_rejected');
    expect(system.emulator.calls()).toEqual(oneExchange);
  });

  it.each([
    [401, 'Denied', 'Denied by the resource provider.'],
    [403, 'Denied', 'Denied by the resource provider.'],
    [404, 'NotFound', 'The resource was not found.'],
    [400, 'UnsupportedApiVersion', "The resource does not support the API version '2023-10-01'."],
    [400, 'BadRequest', "The HTTP resource does not support the API version '2023-10-01'."],
    [400, 'ApiVersionUnspecified', 'An API version is required, but was not specified.'],
  ])(
    'with %d %s (%s) is reported as upstream_refused, for the operator to fix',
    async (status, code, message) => {
      refuseExchange(status, code, message);
      expectError(await exchange(system.emulator.teamsToken()), refused(status));
      expect(system.emulator.calls()).toEqual(oneExchange);
    },
  );

  it.each([
    [400, '<html>'],
    [403, '<html>'],
    [400, ''],
    [403, '{}'],
  ])('is not what a proxy sends: %d without an error code ("%s")', async (status, body) => {
    failExchange(status, body);
    expectError(await exchange(system.emulator.teamsToken()), refused(status));
  });
});
