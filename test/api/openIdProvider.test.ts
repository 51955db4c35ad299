import { type ApiResponse, expectError } from '../support/responses';
import { type OidcServer, startOidcServer } from '../support/oidcServer';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

let system: System;
let oidc: OidcServer;
let server: TestServer;
const settings = () => ({
  IDENTITY_STORE: 'acs',
  IDENTITY_PROVIDER: 'oidc',
  OIDC_ISSUER: oidc.issuer,
  OIDC_AUDIENCE: oidc.audience,
});
beforeAll(async () => {
  [system, oidc] = await Promise.all([startReadySystem(), startOidcServer()]);
  server = await startReadyServer(system, settings());
});
afterEach(() => system.emulator.reset());
afterAll(async () => {
  await system.stop();
  await oidc.stop();
});

function expectInvalid(response: ApiResponse, reason: string): void {
  expectError(response, {
    status: 401,
    code: 'invalid_token',
    innererror: { code: reason },
    challenge: {
      realm: oidc.audience,
      error: 'invalid_token',
      error_description: expect.any(String) as unknown,
    },
  });
}

describe('with a user who signed in at oidc-provider', () => {
  it('gets, shows, renews and deletes the identity of the user', async () => {
    const { accessToken } = await oidc.signIn('alice', oidc.audience);
    const issued = await server.call('get', '/api/token', accessToken);
    expect(issued.status).toBe(200);
    const { user } = issued.body as { user: { communicationUserId: string } };
    const again = await oidc.signIn('alice', oidc.audience);
    expect((await server.call('get', '/api/user', again.accessToken)).body).toEqual({ user });
    const other = await oidc.signIn('bob', oidc.audience);
    const ofBob = await server.call('post', '/api/user', other.accessToken);
    expect(ofBob.body.user).not.toEqual(user);
    expect((await server.call('delete', '/api/user', accessToken)).status).toBe(204);
    expect(system.emulator.identities().map(({ id }) => id)).toEqual([
      ofBob.body.user.communicationUserId as string,
    ]);
  });

  it('refuses the opaque token of a client that did not ask for this API, and says what to do', async () => {
    const { accessToken } = await oidc.signIn('alice');
    expect(accessToken).not.toContain('.');
    const response = await server.call('get', '/api/token', accessToken);
    expectInvalid(response, 'malformed_token');
    expect(response.body.error.message).toContain('opaque access tokens');
  });

  it('refuses the ID token, and the token of the client itself', async () => {
    const { idToken } = await oidc.signIn('alice', oidc.audience);
    expectInvalid(await server.call('get', '/api/token', idToken), 'id_token');
    const response = await server.call('get', '/api/token', await oidc.clientToken());
    expect([response.status, response.body.error.code]).toEqual([403, 'app_only_token']);
  });
});

describe('with the claims of other providers', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['ID tokens of Keycloak', { typ: 'ID' }, 'id_token'],
    ['ID tokens of Amazon Cognito', { token_use: 'id' }, 'id_token'],
    ['machine tokens of Auth0', { gty: 'client-credentials', sub: 'abc@clients' }, 'app_only_token'],
    ['service accounts of Keycloak', { preferred_username: 'service-account-robot' }, 'app_only_token'],
    ['machine tokens of Okta', { cid: 'robot', sub: 'robot', client_id: undefined }, 'app_only_token'],
  ])('refuses %s', async (_, claims, code) => {
    const response = await server.call('get', '/api/user', oidc.mint(claims));
    const { error } = response.body as { error: { code: string; innererror?: { code: string } } };
    expect(error.innererror?.code ?? error.code).toBe(code);
  });

  it.each<[string, Record<string, unknown>]>([
    [
      'Auth0, for two APIs',
      { aud: ['https://api.contoso.example', 'https://tenant.auth0.example/userinfo'], azp: 'app' },
    ],
    ['Keycloak, with a nonce', { typ: 'Bearer', nonce: 'n', azp: 'app' }],
    ['Okta, with a list of scopes', { scope: undefined, scp: ['openid', 'access_as_user'], cid: 'app' }],
  ])('accepts access tokens of %s', async (_, claims) => {
    expect((await server.call('get', '/api/user', oidc.mint(claims))).status).toBe(404);
  });
});

it('identifies users by OIDC_USER_CLAIM, and accepts the clients of OIDC_ALLOWED_CLIENT_IDS only', async () => {
  const another = await startReadyServer(system, {
    ...settings(),
    OIDC_USER_CLAIM: 'employee',
    OIDC_ALLOWED_CLIENT_IDS: 'test-client,Other',
  });
  const call = (claims: Record<string, unknown>) => another.call('post', '/api/user', oidc.mint(claims));
  const first = await call({ employee: '1', sub: 'a' });
  expect(first.status).toBe(201);
  expect((await call({ employee: '1', sub: 'b' })).body).toEqual(first.body);
  expect((await call({ employee: '2', sub: 'a' })).body).not.toEqual(first.body);
  expectInvalid(await call({}), 'no_subject');
  expect((await call({ employee: '1', client_id: 'Other' })).status).toBe(200);
  expect((await call({ employee: '1', client_id: 'other' })).status).toBe(403);
});

it('does not accept an issuer that differs by a slash', async () => {
  const another = await system.startAnother({ ...settings(), OIDC_ISSUER: `${oidc.issuer}/` });
  expectInvalid(await another.call('get', '/api/user', oidc.mint({})), 'wrong_issuer');
  const response = await another.call('get', '/api/user', oidc.mint({ iss: `${oidc.issuer}/` }));
  expect([response.status, response.body.error.code]).toEqual([502, 'upstream_invalid_response']);
  await another.stop();
});
