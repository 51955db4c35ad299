import { createHash } from 'node:crypto';
import { startEmulator, type Emulator } from '../../emulator/startEmulator';

type Claims = Record<string, unknown>;
type Fields = Record<string, string>;

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());
afterEach(() => jest.restoreAllMocks());

const parse = (part = ''): Claims => JSON.parse(Buffer.from(part, 'base64url').toString()) as Claims;
const claimsOf = (token: string): Claims => parse(token.split('.')[1]);

function lifetimeOf(token: string): number {
  const { exp, iat } = claimsOf(token);
  return Number(exp) - Number(iat);
}

describe.each([
  ['externalId', 4500],
  ['b2c', 3600],
] as const)('a customer tenant (%s)', (name, accessTokenLifetime) => {
  test('issues access tokens with its lifetime', () => {
    expect(lifetimeOf(emulator[name].accessToken())).toBe(accessTokenLifetime);
    expect(lifetimeOf(emulator[name].appOnlyToken())).toBe(accessTokenLifetime);
  });

  test('issues ID tokens that are valid for an hour', () => {
    expect(lifetimeOf(emulator[name].idToken())).toBe(3600);
    expect(lifetimeOf(emulator[name].idToken({ lifetimeInSeconds: 60 }))).toBe(60);
  });
});

test('External ID publishes its keys as Entra ID does, Azure AD B2C without certificates', async () => {
  const keysOf = async (path: string): Promise<Claims[]> => {
    const { keys } = (await (await fetch(`${emulator.url}/${path}`)).json()) as { keys: Claims[] };
    return keys;
  };

  for (const key of await keysOf(`${emulator.externalId.tenantId}/discovery/v2.0/keys`)) {
    expect(key).toMatchObject({
      x5t: key.kid,
      x5c: [expect.any(String)],
      issuer: emulator.externalId.issuer,
    });
  }
  for (const key of await keysOf('contosob2c.onmicrosoft.com/B2C_1_susi/discovery/v2.0/keys')) {
    expect(Object.keys(key).sort()).toEqual(['e', 'kid', 'kty', 'n', 'use']);
  }
});

describe('a single-page app', () => {
  const verifier = 'a-verifier-that-is-long-enough-to-be-allowed-by-the-rfc';
  const redirect = 'http://localhost:5173/redirect.html';
  const policyUrl = (policy: string): string => `${emulator.url}/contosob2c.onmicrosoft.com/${policy}`;
  const tenants = [
    ['External ID', () => `${emulator.url}/${emulator.externalId.tenantId}`, () => emulator.externalId],
    ['Azure AD B2C', () => policyUrl('B2C_1_susi'), () => emulator.b2c],
  ] as const;

  async function signIn(address: string, clientId: string, fields: Fields = {}): Promise<Response> {
    const request = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirect,
      scope: 'openid offline_access',
      state: 'mine',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...fields,
    });
    const body = new URLSearchParams({ request: request.toString(), user: 'alice' });
    return await fetch(`${address}/login`, { method: 'POST', redirect: 'manual', body });
  }

  const redeem = async (address: string, fields: Fields): Promise<{ status: number; body: Fields }> => {
    const body = new URLSearchParams({ redirect_uri: redirect, code_verifier: verifier, ...fields });
    const response = await fetch(`${address}/oauth2/v2.0/token`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as Fields };
  };

  async function codeFrom(address: string, clientId: string, fields: Fields = {}): Promise<string> {
    const location = (await signIn(address, clientId, fields)).headers.get('location') ?? '';
    return new URL(location).searchParams.get('code') ?? '';
  }

  test.each(tenants)('of %s gets the response in the mode that it requests', async (_name, url, tenant) => {
    const send = async (fields: Fields) => await signIn(url(), tenant().clientId, fields);
    const location = async (fields: Fields) => (await send(fields)).headers.get('location');

    expect(await location({})).toMatch(/^[^#]+redirect\.html\?code=[^#]+state=mine$/);
    expect(await location({ response_mode: 'query' })).toMatch(/^[^#]+redirect\.html\?code=/);
    expect(await location({ response_mode: 'fragment' })).toMatch(/redirect\.html#code=/);
    const page = await (await send({ response_mode: 'form_post' })).text();
    expect(page).toContain(`<form method="post" action="${redirect}">`);
  });

  test.each(tenants)('of %s is signed in until the logout', async (_name, url, tenant) => {
    const { clientId } = tenant();
    const authorize = async (cookie: string, fields: Fields): Promise<Response> => {
      const query = new URLSearchParams({
        client_id: clientId,
        scope: 'openid',
        response_type: 'code',
        redirect_uri: redirect,
        code_challenge: 'x',
        code_challenge_method: 'S256',
        ...fields,
      });
      const address = `${url()}/oauth2/v2.0/authorize?${query.toString()}`;
      return await fetch(address, { redirect: 'manual', headers: { cookie } });
    };
    const response = async (cookie: string, fields: Fields): Promise<string | null> =>
      (await authorize(cookie, { prompt: 'none', ...fields })).headers.get('location');
    const cookieIn = ({ headers }: Response): string => headers.get('set-cookie')?.split(';')[0] ?? '';
    const cookie = cookieIn(await signIn(url(), clientId));
    const { alice, bob } = emulator.users;

    expect(await response(cookie, {})).toContain('?code=');
    expect(await response(cookie, { login_hint: alice.userPrincipalName })).toContain('?code=');
    expect(await response(cookie, { login_hint: bob.userPrincipalName })).toContain('error=login_required');
    expect(await response('', {})).toContain('error=login_required');
    expect((await authorize(cookie, { prompt: 'select_account' })).status).toBe(200);
    expect((await authorize(cookie, { login_hint: alice.objectId })).status).toBe(302);

    const logout = `${url()}/oauth2/v2.0/logout?state=mine&post_logout_redirect_uri=${redirect}`;
    const after = await fetch(logout, { redirect: 'manual', headers: { cookie } });
    expect(after.headers.get('location')).toBe(`${redirect}?state=mine`);
    expect(cookieIn(after)).toMatch(/=$/);
    expect(await response(cookie, {})).toContain('error=login_required');
  });

  test('is signed out by a reset', async () => {
    const [, url, tenant] = tenants[0];
    const code = await codeFrom(url(), tenant().clientId);
    emulator.reset();
    const fields = { grant_type: 'authorization_code', client_id: tenant().clientId, code };

    expect(await redeem(url(), fields)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test.each(tenants)(
    'of %s uses a code once, and a refresh token several times',
    async (_name, url, tenant) => {
      const client_id = tenant().clientId;
      const code = await codeFrom(url(), client_id);
      const trade = { grant_type: 'authorization_code', client_id, code };
      const refused = { status: 400, body: { error: 'invalid_grant' } };

      expect(await redeem(url(), { ...trade, code_verifier: 'wrong' })).toMatchObject(refused);
      const { status, body } = await redeem(url(), trade);
      expect(status).toBe(200);
      expect(await redeem(url(), trade)).toMatchObject(refused);

      const refresh = { grant_type: 'refresh_token', client_id, refresh_token: body.refresh_token ?? '' };
      expect(await redeem(url(), refresh)).toMatchObject({ status: 200 });
      // Another tab of the app.
      expect(await redeem(url(), refresh)).toMatchObject({ status: 200 });
    },
  );

  test.each(tenants)('of %s has a refresh token for a day', async (_name, url, tenant) => {
    const client_id = tenant().clientId;
    const code = await codeFrom(url(), client_id);
    const other = await codeFrom(url(), client_id);
    const { body } = await redeem(url(), { grant_type: 'authorization_code', client_id, code });
    expect(Number(body.refresh_token_expires_in)).toBeGreaterThan(24 * 3600 - 60);
    const renew = async (token = ''): Promise<{ status: number; body: Fields }> =>
      await redeem(url(), { grant_type: 'refresh_token', client_id, refresh_token: token });

    emulator.switches.clockOffsetInMs = 23 * 3600_000;
    const late = { grant_type: 'authorization_code', client_id, code: other };
    expect((await redeem(url(), late)).status).toBe(400);
    const renewed = await renew(body.refresh_token);
    expect(Number(renewed.body.refresh_token_expires_in)).toBeLessThanOrEqual(3600);
    emulator.switches.clockOffsetInMs = 24 * 3600_000;
    expect((await renew(renewed.body.refresh_token)).status).toBe(400);
  });

  test.each(tenants)('of %s gets only the tokens that it requests', async (_name, url, tenant) => {
    const { clientId: client_id, apiIdentifiers } = tenant();
    const scope = `${apiIdentifiers[0] ?? ''}/access_as_user`;
    const code = await codeFrom(url(), client_id);
    const { body } = await redeem(url(), { grant_type: 'authorization_code', client_id, code, scope });

    expect(body).toHaveProperty('access_token');
    expect(body).not.toHaveProperty('id_token');
    expect(body).not.toHaveProperty('refresh_token');
  });

  test.each(tenants)('of %s gets no token for the API without its scope', async (name, url, tenant) => {
    const client_id = tenant().clientId;
    const code = await codeFrom(url(), client_id);
    const { body } = await redeem(url(), { grant_type: 'authorization_code', client_id, code });

    expect(claimsOf(body.id_token ?? '')).toMatchObject({ aud: client_id });
    if (name === 'Azure AD B2C') {
      expect(body).toMatchObject({
        token_type: 'Bearer',
        scope: 'openid offline_access',
        not_before: claimsOf(body.id_token ?? '').nbf,
        id_token_expires_in: 3600,
        profile_info: expect.any(String) as unknown,
        refresh_token: expect.any(String) as unknown,
      });
      expect(claimsOf(body.id_token ?? '')).not.toHaveProperty('at_hash');
      for (const field of ['access_token', 'expires_in', 'resource']) expect(body).not.toHaveProperty(field);
    } else {
      const graph = '00000003-0000-0000-c000-000000000000';
      expect(claimsOf(body.access_token ?? '')).toMatchObject({ aud: graph, scp: 'openid offline_access' });
    }
  });

  test.each(tenants)('of %s has no other grants or flows', async (_name, url, tenant) => {
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { clientId: client_id } = tenant();
    const status = async (fields: Fields): Promise<number> => (await signIn(url(), client_id, fields)).status;

    expect((await redeem(url(), { grant_type: 'client_credentials', client_id })).status).toBe(501);
    expect(await status({ response_type: 'code id_token' })).toBe(501);
    expect(await status({ code_challenge_method: 'plain' })).toBe(501);
    expect(await status({ response_type: '' })).toBe(400);
    expect(await status({ code_challenge_method: '' })).toBe(400);
  });

  test.each(tenants)('of %s can request only the permission of the API', async (_name, url, tenant) => {
    const { clientId: client_id, apiIdentifiers } = tenant();
    const authorize = async (scope: string): Promise<string | null> => {
      const query = new URLSearchParams({
        client_id,
        scope,
        response_type: 'code',
        redirect_uri: redirect,
        code_challenge: 'x',
        code_challenge_method: 'S256',
      });
      const address = `${url()}/oauth2/v2.0/authorize?${query.toString()}`;
      return (await fetch(address, { redirect: 'manual' })).headers.get('location');
    };
    const [api = ''] = apiIdentifiers;
    const others = [`${api}/other`, 'User.Read', `${emulator.authServer.appIdUri}/access_as_user`];

    expect(await authorize(`openid ${api}/access_as_user`)).toBeNull();
    expect(await authorize('')).toMatch(/error=invalid_request&.*not\+contain\+a\+scope/);
    for (const other of others) {
      expect(await authorize(`openid ${other}`)).toMatch(/error=invalid_request&.*not\+supported/);
    }
    const code = await codeFrom(url(), client_id);
    const fields = { grant_type: 'authorization_code', client_id, code, scope: 'User.Read' };
    expect(await redeem(url(), fields)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const scope = `openid ${api}/access_as_user`;
    const again = { ...fields, code: await codeFrom(url(), client_id), scope };
    expect(await redeem(url(), again)).toMatchObject({ status: 200, body: { scope } });
  });

  test.each(['B2C_1_susi', 'b2c_1_profile'])(
    'of Azure AD B2C has tokens of the policy %s',
    async (policy) => {
      const { clientId: client_id, apiClientId, apiIdentifiers } = emulator.b2c;
      const scope = `openid offline_access ${apiIdentifiers[0] ?? ''}/access_as_user`;
      const code = await codeFrom(policyUrl(policy), client_id, { scope });
      const { body } = await redeem(policyUrl(policy), { grant_type: 'authorization_code', client_id, code });

      const { nbf: not_before, exp: expires_on } = claimsOf(body.access_token ?? '');
      expect(body).toMatchObject({ not_before, expires_in: 3600, expires_on, resource: apiClientId });

      const tfp = policy.toUpperCase() === 'B2C_1_SUSI' ? 'B2C_1_susi' : 'B2C_1_profile';
      expect(claimsOf(body.access_token ?? '').tfp).toBe(tfp);
      const hash = createHash('sha256')
        .update(body.access_token ?? '')
        .digest();
      const at_hash = hash.subarray(0, 16).toString('base64url');
      expect(claimsOf(body.id_token ?? '')).toMatchObject({ tfp, at_hash });
      expect(parse(body.client_info)).toEqual({
        uid: `${emulator.users.alice.objectId}-${policy.toLowerCase()}`,
        utid: emulator.b2c.tenantId,
      });
      const refresh = { grant_type: 'refresh_token', client_id, refresh_token: body.refresh_token ?? '' };
      expect(await redeem(policyUrl(policy), refresh)).toMatchObject({ status: 200 });
    },
  );

  test('of Azure AD B2C cannot redeem a code at another policy', async () => {
    const client_id = emulator.b2c.clientId;
    const code = await codeFrom(policyUrl('B2C_1_susi'), client_id);
    const fields = { grant_type: 'authorization_code', client_id, code };

    expect(await redeem(policyUrl('B2C_1_profile'), fields)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });
});
