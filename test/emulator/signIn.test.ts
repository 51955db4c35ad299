import { createHash } from 'node:crypto';
import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

const webRedirect = 'http://localhost:3000';
const spaRedirect = 'http://localhost:5173/redirect.html';
const spaOrigin = { origin: 'http://localhost:5173' };
const verifier = 'a-verifier-that-is-long-enough-to-be-allowed-by-the-rfc';
const challenge = createHash('sha256').update(verifier).digest('base64url');

type Fields = Record<string, string>;

const apiScope = (): string => `${emulator.authServer.appIdUri}/access_as_user`;
const webRequest = (): Fields => ({
  client_id: emulator.authClient.clientId,
  response_type: 'code',
  redirect_uri: webRedirect,
  scope: apiScope(),
  state: 'mine',
});
const spaRequest = (): Fields => ({
  ...webRequest(),
  redirect_uri: spaRedirect,
  response_mode: 'fragment',
  scope: `openid profile offline_access ${apiScope()}`,
  nonce: 'once',
  client_info: '1',
  code_challenge: challenge,
  code_challenge_method: 'S256',
});

const tenantUrl = (path: string): string => `${emulator.url}/${emulator.tenantId}/${path}`;

async function authorize(query: Fields, cookie = ''): Promise<Response> {
  const url = `${tenantUrl('oauth2/v2.0/authorize')}?${new URLSearchParams(query).toString()}`;
  return await fetch(url, { redirect: 'manual', headers: { cookie } });
}

/** Submits the form of the page. */
async function choose(user: string, query: Fields): Promise<{ reply: URLSearchParams; cookie: string }> {
  const page = await (await authorize(query)).text();
  const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1] ?? '';
  const response = await fetch(`${emulator.url}${action}`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ request: new URLSearchParams(query).toString(), user }),
  });
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
  return { reply: redirectParametersOf(response), cookie };
}

function redirectParametersOf(response: Response): URLSearchParams {
  const location = new URL(response.headers.get('location') ?? '');
  return new URLSearchParams(location.hash === '' ? location.search : location.hash.slice(1));
}

async function token(
  fields: Fields,
  headers: Fields = {},
): Promise<{ status: number; body: Fields; headers: Headers }> {
  const response = await fetch(tenantUrl('oauth2/v2.0/token'), {
    method: 'POST',
    headers,
    body: new URLSearchParams({ client_id: emulator.authClient.clientId, ...fields }),
  });
  return { status: response.status, body: (await response.json()) as Fields, headers: response.headers };
}

const webCode = async (user = 'alice'): Promise<string> =>
  (await choose(user, webRequest())).reply.get('code') ?? '';
const spaCode = async (more: Fields = {}): Promise<string> =>
  (await choose('alice', { ...spaRequest(), ...more })).reply.get('code') ?? '';
const webCodeRequest = (code: string): Fields => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: webRedirect,
  scope: apiScope(),
  client_secret: emulator.authClient.clientSecret,
});
const spaCodeRequest = (code: string): Fields => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: spaRedirect,
  scope: `openid profile offline_access ${apiScope()}`,
  code_verifier: verifier,
  client_info: '1',
});

describe('a user in the browser', () => {
  test('sees the client, the scopes, and the users to choose from', async () => {
    const response = await authorize(webRequest());
    const page = await response.text();

    expect(response.status).toBe(200);
    expect(page).toContain('AuthClient');
    expect(page).toContain('access_as_user');
    for (const { userPrincipalName } of Object.values(emulator.users))
      expect(page).toContain(userPrincipalName);
    expect(page).toMatch(/<html lang="en">/);
  });

  test('gets an error for an unregistered redirect URI, and is not redirected', async () => {
    const response = await authorize({ ...webRequest(), redirect_uri: 'https://attacker.example/<b>' });
    const page = await response.text();

    expect(response.status).toBe(400);
    expect(page).toContain('AADSTS50011');
    expect(page).not.toContain('<b>');
  });

  test.each<[Fields, string, string, number, string]>([
    [{ response_type: 'id_token' }, 'unsupported_response_type', '#', 700054, "'id_token'"],
    [{ response_type: 'code id_token' }, 'unsupported_response_type', '#', 700054, "'id_token'"],
    [{ response_type: 'token' }, 'unsupported_response_type', '#', 700051, "'token'"],
    [{ response_type: '' }, 'invalid_request', '?', 900144, "'response_type'"],
    [{ prompt: 'select_account consent' }, 'invalid_request', '?', 90023, "'prompt'"],
    [{ resource: 'https://server.example/mcp' }, 'invalid_target', '?', 9010010, 'The resource parameter'],
  ])(
    'is sent back if the client asks for %j, which is not possible',
    async (fields, error, separator, number, text) => {
      const response = await authorize({ ...webRequest(), ...fields });

      expect(response.headers.get('location')).toContain(`${webRedirect}${separator}error=${error}&`);
      const reply = redirectParametersOf(response);
      expect(reply.get('error_description')).toMatch(new RegExp(`^AADSTS${number}: .*${text}`));
      expect(reply.get('error_uri')).toBe(`https://login.microsoftonline.com/error?code=${number}`);
      expect(reply.get('state')).toBe('mine');
    },
  );

  test('may sign in to a client on another port of localhost', async () => {
    const { reply } = await choose('bob', {
      ...spaRequest(),
      redirect_uri: 'http://localhost:49152/redirect.html',
    });

    expect(reply.get('code')).toEqual(expect.any(String));
  });

  test('signs out', async () => {
    const { cookie } = await choose('alice', webRequest());
    const leave = `${tenantUrl('oauth2/v2.0/logout')}?post_logout_redirect_uri=${encodeURIComponent(webRedirect)}`;
    const left = await fetch(leave, { redirect: 'manual', headers: { cookie } });

    expect(left.headers.get('location')).toBe(`${webRedirect}/`);
    const silent = await authorize({ ...spaRequest(), prompt: 'none' }, cookie);
    expect(redirectParametersOf(silent).get('error')).toBe('login_required');
  });
});

describe('a web client', () => {
  test('exchanges the code and its secret for an access token for the API', async () => {
    const { status, body } = await token(webCodeRequest(await webCode()));

    expect(status).toBe(200);
    expect(body).not.toHaveProperty('refresh_token');
    expect(claimsOf(body.access_token)).toMatchObject({
      aud: emulator.authServer.clientId,
      oid: emulator.users.alice.objectId,
      scp: 'access_as_user',
      azp: emulator.authClient.clientId,
      azpacr: '1',
      ver: '2.0',
    });
  });

  test('gets a token for Teams from the same sign-in', async () => {
    const teams = 'https://auth.msft.communication.azure.com/Teams.ManageCalls';
    const { body } = await token({ ...webCodeRequest(await webCode('carol')), scope: teams });

    expect(claimsOf(body.access_token)).toMatchObject({
      aud: 'https://auth.msft.communication.azure.com',
      appid: emulator.authClient.clientId,
      scp: 'Teams.ManageCalls Teams.ManageChats',
      ver: '1.0',
    });
  });

  test('gets the response as a form post if it requests one', async () => {
    const { cookie } = await choose('alice', webRequest());
    const hinted = { ...webRequest(), response_mode: 'form_post', login_hint: 'alice@contoso.example' };
    const page = await (await authorize(hinted, cookie)).text();

    expect(page).toContain(`action="${webRedirect}"`);
    expect(page).toMatch(/name="code" value="[\w-]+"/);
  });

  test.each<[string, (code: string) => Fields, number, string, number]>([
    ['a wrong secret', () => ({ client_secret: 'wrong' }), 401, 'invalid_client', 7000215],
    ['another redirect URI', () => ({ redirect_uri: spaRedirect }), 400, 'invalid_client', 500112],
    ['an unknown code', () => ({ code: 'unknown' }), 400, 'invalid_grant', 9002313],
    ['another client', () => ({ client_id: emulator.authServer.clientId }), 400, 'invalid_grant', 9002313],
  ])('is refused with %s', async (_name, fields, status, error, number) => {
    const code = await webCode();
    const reply = await token({ ...webCodeRequest(code), ...fields(code) });

    expect(reply).toMatchObject({ status, body: { error, error_codes: [number] } });
  });

  test('may name the resource of its scopes (RFC 8707), and no other', async () => {
    const scope = `offline_access ${apiScope()}`;
    const resource = emulator.authServer.appIdUri;
    const other = { status: 400, body: { error: 'invalid_target', error_codes: [9010010] } };
    const { reply } = await choose('alice', { ...webRequest(), scope, resource });
    const redemption = { ...webCodeRequest(reply.get('code') ?? ''), scope };
    expect(await token({ ...redemption, resource: 'https://graph.microsoft.com' })).toMatchObject(other);

    const { status, body } = await token({ ...redemption, resource });
    expect(status).toBe(200);
    const renewal = { ...redemption, grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' };
    expect(await token({ ...renewal, resource: `${resource}/` })).toMatchObject(other);
    expect((await token({ ...renewal, resource })).status).toBe(200);
  });

  test('redeems a code once, and within ten minutes', async () => {
    const [code, late] = [await webCode(), await webCode()];
    expect((await token(webCodeRequest(code))).status).toBe(200);
    expect((await token(webCodeRequest(code))).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [54005],
    });

    emulator.switches.clockOffsetInMs = 11 * 60_000;
    expect((await token(webCodeRequest(late))).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [70008],
    });
  });

  test('is refused from a browser', async () => {
    expect((await token(webCodeRequest(await webCode()), spaOrigin)).body).toMatchObject({
      error_codes: [9002326],
    });
  });
});

describe('a desktop app, such as Postman', () => {
  const redirectUri = 'https://oauth.pstmn.io/v1/callback';
  const request = (): Fields => ({
    ...spaRequest(),
    response_mode: 'query',
    redirect_uri: redirectUri,
  });
  const desktopCode = async (): Promise<string> => (await choose('alice', request())).reply.get('code') ?? '';

  test('exchanges code and proof key for tokens, and renews them, without a secret', async () => {
    const { status, body } = await token({
      ...spaCodeRequest(await desktopCode()),
      redirect_uri: redirectUri,
    });

    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({ azpacr: '0' });
    expect(body).not.toHaveProperty('refresh_token_expires_in');
    const renewal = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' };
    expect(await token(renewal)).toMatchObject({ status: 200 });

    // Unlike a single-page app's, its refresh token ends only if it is not used.
    emulator.switches.clockOffsetInMs = 91 * 24 * 3_600_000;
    expect((await token(renewal)).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [700082],
      error_description: expect.stringMatching(/issued on [-\d]{10}T[:\d]{8}\.\d{7}Z/) as unknown,
    });
  });

  test.each<[string, Fields]>([
    ['plain', { code_challenge: verifier, code_challenge_method: 'plain' }],
    ['no method, which means plain', { code_challenge: verifier, code_challenge_method: '' }],
  ])('may use a proof key with %s', async (_method, proof) => {
    const present = Object.entries({ ...request(), ...proof }).filter(([, value]) => value !== '');
    const trade = async (codeVerifier: string): Promise<unknown> => {
      const code = (await choose('alice', Object.fromEntries(present))).reply.get('code') ?? '';
      return await token({ ...spaCodeRequest(code), redirect_uri: redirectUri, code_verifier: codeVerifier });
    };

    expect(await trade(verifier)).toMatchObject({ status: 200 });
    expect(await trade(challenge)).toMatchObject({ status: 400, body: { error_codes: [501481] } });
  });

  test('is refused from a browser', async () => {
    const trade = { ...spaCodeRequest(await desktopCode()), redirect_uri: redirectUri };

    expect(await token(trade, spaOrigin)).toMatchObject({ body: { error_codes: [9002326] } });
  });
});

describe('a single-page app', () => {
  test('exchanges code and proof key for tokens with CORS headers, and refreshes them', async () => {
    const first = await token(spaCodeRequest(await spaCode()), spaOrigin);

    expect(first.status).toBe(200);
    expect(first.headers.get('access-control-allow-origin')).toBe('*');
    expect(claimsOf(first.body.id_token)).toMatchObject({ aud: emulator.authClient.clientId, nonce: 'once' });
    expect(claimsOf(first.body.access_token)).toMatchObject({ scp: 'access_as_user', azpacr: '0' });
    expect(first.body).toMatchObject({
      scope: `openid profile ${apiScope()}`,
      refresh_token_expires_in: expect.any(Number) as unknown,
      client_info: expect.any(String) as unknown,
    });

    const renewal = {
      grant_type: 'refresh_token',
      refresh_token: first.body.refresh_token ?? '',
      scope: 'https://auth.msft.communication.azure.com/Teams.ManageChats offline_access',
    };
    const second = await token(renewal, spaOrigin);
    expect(claimsOf(second.body.access_token)).toMatchObject({ scp: 'Teams.ManageCalls Teams.ManageChats' });

    // A refresh does not extend the 24 hours.
    const later = { ...renewal, refresh_token: second.body.refresh_token ?? '' };
    emulator.switches.clockOffsetInMs = 23 * 3_600_000;
    expect((await token(later, spaOrigin)).body).toMatchObject({
      scope: expect.stringContaining('Teams.ManageChats') as unknown,
    });
    emulator.switches.clockOffsetInMs = 25 * 3_600_000;
    expect((await token(later, spaOrigin)).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [700084],
    });
  });

  test('is refused without a proof key, before the sign-in', async () => {
    const without = Object.entries(spaRequest()).filter(([name]) => !name.startsWith('code_challenge'));
    const reply = redirectParametersOf(await authorize(Object.fromEntries(without)));

    expect(Object.fromEntries(reply)).toMatchObject({ error: 'invalid_request', state: 'mine' });
    expect(reply.get('error_description')).toContain('AADSTS9002325');
  });

  test.each<[string, Fields, Fields, number]>([
    ['a wrong proof key', { code_verifier: 'wrong' }, spaOrigin, 501481],
    ['no origin', {}, {}, 9002327],
    ['a secret', { client_secret: 'whatever' }, spaOrigin, 700025],
  ])('is refused with %s', async (_name, fields, headers, number) => {
    const reply = await token({ ...spaCodeRequest(await spaCode()), ...fields }, headers);

    expect(reply.body).toMatchObject({ error_codes: [number] });
  });

  test('may send a preflight request', async () => {
    const response = await fetch(tenantUrl('oauth2/v2.0/token'), {
      method: 'OPTIONS',
      headers: {
        ...spaOrigin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-ms',
      },
    });

    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'x-ms',
    });
  });

  test('signs in silently as the user of the browser session only', async () => {
    const { cookie } = await choose('alice', spaRequest());
    const silently = async (more: Fields): Promise<URLSearchParams> =>
      redirectParametersOf(await authorize({ ...spaRequest(), prompt: 'none', ...more }, cookie));

    expect((await silently({})).get('code')).toEqual(expect.any(String));
    expect((await silently({ login_hint: 'alice@contoso.example' })).get('code')).toEqual(expect.any(String));
    expect((await silently({ login_hint: 'bob@contoso.example' })).get('error')).toBe('login_required');
  });

  test('satisfies a claims challenge with a new sign-in, after which On-Behalf-Of works', async () => {
    emulator.switches.requireMfaFor.add(emulator.users.alice.objectId);
    const first = await token(spaCodeRequest(await spaCode()), spaOrigin);
    const refused = await onBehalfOf(first.body.access_token ?? '');
    expect(refused).toMatchObject({ error: 'interaction_required', suberror: 'basic_action' });
    const claims = refused.claims ?? '';

    const renewal = { grant_type: 'refresh_token', refresh_token: first.body.refresh_token ?? '', claims };
    expect((await token(renewal, spaOrigin)).body).toMatchObject({ error: 'interaction_required' });
    const { cookie } = await choose('alice', spaRequest());
    const silent = await authorize({ ...spaRequest(), prompt: 'none', claims }, cookie);
    expect(redirectParametersOf(silent).get('error')).toBe('interaction_required');

    const second = await token(spaCodeRequest(await spaCode({ claims })), spaOrigin);
    expect(await onBehalfOf(second.body.access_token ?? '')).toMatchObject({ token_type: 'Bearer' });
  });

  test('grants consent in a sign-in with prompt=consent', async () => {
    emulator.switches.consentRequiredFor.add(emulator.users.alice.objectId);
    expect(await onBehalfOf(emulator.accessToken())).toMatchObject({ suberror: 'consent_required' });

    await spaCode({ prompt: 'consent' });
    expect(await onBehalfOf(emulator.accessToken())).toMatchObject({ token_type: 'Bearer' });
  });
});

describe('the OpenID Connect scopes', () => {
  const subject = { sub: expect.any(String) as unknown };
  const idTokenNames = { name: 'Alice Archer', preferred_username: 'alice@contoso.example' };
  const names = {
    name: 'Alice Archer',
    given_name: 'Alice',
    family_name: 'Archer',
    picture: 'https://graph.microsoft.com/v1.0/me/photo/$value',
  };
  const email = { email: 'alice@contoso.example' };
  const objectId = (): Fields => ({ oid: emulator.users.alice.objectId });
  const signIn = async (scope: string): Promise<Fields> => {
    const request = { ...webRequest(), scope };
    const code = (await choose('alice', request)).reply.get('code') ?? '';
    return (await token({ ...webCodeRequest(code), scope })).body;
  };

  test.each<[string, () => Record<string, unknown>, Record<string, unknown>]>([
    ['openid', () => subject, subject],
    ['openid profile', () => ({ ...subject, ...idTokenNames, ...objectId() }), { ...subject, ...names }],
    ['openid email', () => ({ ...subject, ...email }), { ...subject, ...email }],
    [
      'openid profile email User.Read',
      () => ({ ...subject, ...idTokenNames, ...objectId(), ...email }),
      { ...subject, ...names, ...email },
    ],
  ])('%s decide which claims the ID token and UserInfo have', async (scope, idClaims, userInfo) => {
    const { id_token: idToken, access_token: accessToken = '' } = await signIn(scope);
    const { aud, iss, iat, nbf, exp, tid, uti, ver, ...ofUser } = claimsOf(idToken) as Record<
      string,
      unknown
    >;
    expect({ aud, tid, ver }).toEqual({
      aud: emulator.authClient.clientId,
      tid: emulator.tenantId,
      ver: '2.0',
    });
    expect([iss, iat, nbf, exp, uti]).not.toContain(undefined);
    expect(Number(exp) - Number(iat)).toBe(3600);
    expect(ofUser).toEqual(idClaims());

    for (const method of ['GET', 'POST']) {
      const response = await askUserInfo(accessToken, method);
      expect(await response.json()).toEqual({ ...userInfo, sub: ofUser.sub });
    }
  });

  test.each<[string, () => string | Promise<string>, number, string]>([
    [
      'a token without openid',
      async () => (await signIn('User.Read')).access_token ?? '',
      403,
      'Authorization_RequestDenied',
    ],
    ["an application's token", applicationToken, 403, 'Authorization_RequestDenied'],
    ['a token for the API', () => emulator.accessToken(), 401, 'InvalidAuthenticationToken'],
  ])('are required: UserInfo refuses %s', async (_what, bearer, status, code) => {
    const response = await askUserInfo(await bearer());

    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });
});

async function askUserInfo(bearer: string, method = 'GET'): Promise<Response> {
  const discovery = await fetch(tenantUrl('v2.0/.well-known/openid-configuration'));
  const { userinfo_endpoint: url = '' } = (await discovery.json()) as Fields;
  return await fetch(url, { method, headers: { authorization: `Bearer ${bearer}` } });
}

async function applicationToken(): Promise<string> {
  const { clientId, clientSecret } = emulator.authServer;
  const { body } = await token({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: 'https://graph.microsoft.com/.default',
  });
  return body.access_token ?? '';
}

async function onBehalfOf(assertion: string): Promise<Fields> {
  const { clientId, clientSecret } = emulator.authServer;
  const { body } = await token({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    requested_token_use: 'on_behalf_of',
    client_id: clientId,
    client_secret: clientSecret,
    scope: `${emulator.url}/User.ReadWrite`,
    assertion,
  });
  return body;
}

function claimsOf(jwt = ''): unknown {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
