import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

type Fields = Record<string, string>;

interface Started {
  user_code: string;
  device_code: string;
  verification_uri: string;
  expires_in: number;
  interval: number;
}

const tenantUrl = (path: string): string => `${emulator.url}/${emulator.tenantId}/${path}`;
const scope = (): string => `openid offline_access ${emulator.authServer.appIdUri}/access_as_user`;

async function post(url: string, fields: Fields): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  return { status: response.status, text: await response.text() };
}

async function start(fields: Fields = {}): Promise<Started> {
  const client = { client_id: emulator.authClient.clientId, scope: scope() };
  const { text } = await post(tenantUrl('oauth2/v2.0/devicecode'), { ...client, ...fields });
  return JSON.parse(text) as Started;
}

async function poll(deviceCode: string, fields: Fields = {}): Promise<Record<string, unknown>> {
  const { text } = await post(tenantUrl('oauth2/v2.0/token'), {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: emulator.authClient.clientId,
    device_code: deviceCode,
    ...fields,
  });
  return JSON.parse(text) as Record<string, unknown>;
}

const wait = (seconds: number): void => void (emulator.switches.clockOffsetInMs += seconds * 1000);

test('a device gets its tokens when its user has signed in on the page', async () => {
  const started = await start();
  expect(started).toMatchObject({ expires_in: 900, interval: 5 });
  expect(await poll(started.device_code)).toMatchObject({
    error: 'authorization_pending',
    error_codes: [70016],
  });

  const page = await fetch(started.verification_uri);
  expect(await page.text()).toContain('Enter code');
  const shown = await post(started.verification_uri, { code: started.user_code.toLowerCase() });
  expect(shown.text).toContain('AuthClient');
  const done = await post(started.verification_uri, { code: started.user_code, user: 'bob' });
  expect(done).toMatchObject({ status: 200, text: expect.stringContaining('You are signed in') as unknown });

  const tokens = await poll(started.device_code);
  expect(tokens).toMatchObject({ refresh_token: expect.any(String) as unknown, token_type: 'Bearer' });
  expect(claimsOf(tokens.access_token)).toMatchObject({ oid: emulator.users.bob.objectId, azpacr: '0' });
  expect(await poll(started.device_code)).toMatchObject({ error: 'invalid_grant', error_codes: [54005] });
});

test('a device renews its tokens without a secret', async () => {
  const started = await start();
  emulator.approveDevice(started.user_code, 'bob');
  const { refresh_token: refreshToken } = await poll(started.device_code);
  const renew = async (fields: Fields = {}): Promise<Record<string, unknown>> => {
    const { text } = await post(tenantUrl('oauth2/v2.0/token'), {
      grant_type: 'refresh_token',
      client_id: emulator.authClient.clientId,
      refresh_token: String(refreshToken),
      scope: scope(),
      ...fields,
    });
    return JSON.parse(text) as Record<string, unknown>;
  };

  const renewed = await renew();
  expect(claimsOf(renewed.access_token)).toMatchObject({ oid: emulator.users.bob.objectId, azpacr: '0' });
  const again = await renew({ refresh_token: String(renewed.refresh_token) });
  expect(claimsOf(again.access_token)).toMatchObject({ azpacr: '0' });
  expect(await renew({ client_secret: 'wrong' })).toMatchObject({ error_codes: [7000215] });
});

test('it must wait between polls', async () => {
  const { device_code: code } = await start();
  expect(await poll(code)).toMatchObject({ error: 'authorization_pending' });
  expect(await poll(code)).toMatchObject({ error: 'slow_down' });
  wait(6);
  expect(await poll(code)).toMatchObject({ error: 'slow_down' });
  wait(16);
  expect(await poll(code)).toMatchObject({ error: 'authorization_pending' });
});

test.each<[string, (started: Started) => unknown, string]>([
  [
    'declined on the page',
    ({ verification_uri: page, user_code: code }) => post(page, { code, decline: '1' }),
    'authorization_declined',
  ],
  [
    'declined through the control interface',
    ({ user_code: code }) => control('decline-device', { userCode: code }),
    'authorization_declined',
  ],
  ['approved after it has expired', () => wait(901), 'expired_token'],
  ['reset', () => emulator.reset(), 'bad_verification_code'],
])('a device whose request is %s gets that error', async (_how, act, error) => {
  const started = await start();
  await act(started);
  expect(await poll(started.device_code)).toMatchObject({ error });
});

test('a device is approved through the control interface', async () => {
  const { user_code: userCode, device_code: code } = await start();
  expect(emulator.waitingDevices()).toMatchObject([{ userCode, clientId: emulator.authClient.clientId }]);
  expect(await control('approve-device', { userCode, user: 'carol' })).toBe(204);
  expect(emulator.waitingDevices()).toEqual([]);
  expect(claimsOf((await poll(code)).access_token)).toMatchObject({ oid: emulator.users.carol.objectId });
  expect(await control('approve-device', { userCode })).toBe(400);
});

test.each<[string, Fields, string, number]>([
  [
    'of another client',
    { client_id: 'a9150000-0000-4000-8000-000000000002' },
    'bad_verification_code',
    70019,
  ],
  ['that is not known', { device_code: 'invented' }, 'bad_verification_code', 70019],
  ['that is missing', { device_code: '' }, 'invalid_request', 900144],
])('a code %s is refused', async (_what, fields, error, code) => {
  const started = await start();
  expect(await poll(started.device_code, fields)).toMatchObject({ error, error_codes: [code] });
});

test('a confidential client must authenticate', async () => {
  const { clientId: client_id, clientSecret: client_secret } = emulator.authServer;
  const { device_code: code, user_code: userCode } = await start({ client_id, scope: 'User.Read' });
  emulator.approveDevice(userCode);
  expect(await poll(code, { client_id })).toMatchObject({ error: 'invalid_client', error_codes: [7000218] });
  expect(await poll(code, { client_id, client_secret })).toMatchObject({ token_type: 'Bearer' });
});

test('a code that is mistyped can be typed again', async () => {
  const { verification_uri: page } = await start();
  const { status, text } = await post(page, { code: '"><b>' });
  expect(status).toBe(400);
  expect(text).toContain('role="alert"');
  expect(text).not.toContain('<b>');
});

describe('instance discovery', () => {
  const ask = async (endpoint: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const query = new URLSearchParams({ 'api-version': '1.1', authorization_endpoint: endpoint });
    const response = await fetch(`${emulator.url}/common/discovery/instance?${query.toString()}`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test.each([() => 'https://login.microsoftonline.com', () => 'https://sts.windows.net', () => emulator.url])(
    'knows %s',
    async (origin) => {
      const { status, body } = await ask(`${origin()}/common/oauth2/v2.0/authorize`);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        tenant_discovery_endpoint: `${origin()}/common/v2.0/.well-known/openid-configuration`,
        'api-version': '1.1',
      });
      expect(JSON.stringify(body.metadata)).toContain(new URL(origin()).host);
    },
  );

  test.each([
    ['https://login.elsewhere.example/common/oauth2/v2.0/authorize', 'invalid_instance', 50049],
    ['http://login.microsoftonline.com/common/oauth2/v2.0/authorize', 'invalid_instance', 50049],
    ['nowhere', 'invalid_request', 900144],
  ])('does not know %s', async (endpoint, error, code) => {
    expect(await ask(endpoint)).toMatchObject({ status: 400, body: { error, error_codes: [code] } });
  });
});

test.each([
  ['none', ''],
  ['one that is not registered', '?post_logout_redirect_uri=https%3A%2F%2Fattacker.example'],
])('a sign-out with %s ends on the page that says so', async (_which, query) => {
  for (const path of ['oauth2/v2.0/logout', 'oauth2/logout']) {
    const response = await fetch(`${tenantUrl(path)}${query}`, { redirect: 'manual' });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('Signed out');
  }
});

async function control(name: string, body: object): Promise<number> {
  const response = await fetch(`${emulator.url}/_emulator/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.status;
}

function claimsOf(token: unknown): unknown {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
}
