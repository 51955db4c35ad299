import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { allDefects, startEmulator, type Defect, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

interface Key {
  kid: string;
  n: string;
  e: string;
  x5c: string[];
  issuer?: string;
}

const get = async (path: string): Promise<Response> =>
  await fetch(`${emulator.url}/${emulator.tenantId}/${path}`);

async function publishedKeys(): Promise<Key[]> {
  const { keys } = (await (await get('discovery/v2.0/keys')).json()) as { keys: Key[] };
  return keys;
}

async function onBehalfOf(
  fields: Record<string, string>,
): Promise<{ status: number; requestId: string | null; body: Record<string, unknown> }> {
  const response = await fetch(`${emulator.url}/${emulator.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      requested_token_use: 'on_behalf_of',
      client_id: emulator.authServer.clientId,
      client_secret: emulator.authServer.clientSecret,
      scope: 'https://graph.microsoft.com/User.ReadWrite',
      ...fields,
    }),
  });
  const requestId = response.headers.get('x-ms-request-id');
  return { status: response.status, requestId, body: (await response.json()) as Record<string, unknown> };
}

describe('Entra publishes', () => {
  test.each([
    ['2', 'v2.0/.well-known/openid-configuration', () => `${emulator.url}/${emulator.tenantId}/v2.0`],
    ['1', '.well-known/openid-configuration', () => `https://sts.windows.net/${emulator.tenantId}/`],
  ])('a version %s discovery document', async (_version, path, issuer) => {
    const response = await get(path);

    expect(await response.json()).toMatchObject({
      issuer: issuer(),
      jwks_uri: expect.stringContaining('/discovery/') as unknown,
      token_endpoint: `${emulator.url}/${emulator.tenantId}/oauth2/v2.0/token`,
      id_token_signing_alg_values_supported: ['RS256'],
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': 'max-age=86400, private',
      'x-ms-request-id': expect.any(String) as unknown,
      'x-ms-ests-server': expect.any(String) as unknown,
    });
  });

  test.each([
    ['2', 'v2.0/.well-known/openid-configuration', 'discovery/v2.0/keys'],
    ['1', '.well-known/openid-configuration', 'discovery/keys'],
  ])(
    'for an application, a version %s document with the address of its keys',
    async (_version, path, keys) => {
      const appId = emulator.authServer.clientId;
      const { jwks_uri: address } = (await (await get(`${path}?appid=${appId}`)).json()) as {
        jwks_uri: string;
      };

      expect(address).toBe(`${emulator.url}/${emulator.tenantId}/${keys}?appid=${appId}`);
      const { keys: ofApplication } = (await (await fetch(address)).json()) as { keys: Key[] };
      expect(ofApplication.some((key) => isSignedBy(emulator.accessToken(), key))).toBe(true);
    },
  );

  test('several keys, the first of which is not the signing key', async () => {
    const keys = await publishedKeys();
    const token = emulator.accessToken();
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
      kid: string;
    };
    const key = keys.find((each) => each.kid === kid);

    expect(keys.length).toBeGreaterThan(1);
    expect(keys[0]?.kid).not.toBe(kid);
    expect(key && isSignedBy(token, key)).toBe(true);
    expect(key?.issuer).toBe(`${emulator.url}/${emulator.tenantId}/v2.0`);
    const certificate = new X509Certificate(Buffer.from(key?.x5c[0] ?? '', 'base64'));
    expect(certificate.publicKey.export({ format: 'jwk' })).toMatchObject({ n: key?.n, e: key?.e });
  });

  test.each([true, false])('a new key after a rotation, with the old one (%s)', async (keepOld) => {
    const before = emulator.accessToken();
    emulator.rotateKeys({ keepOld });
    const keys = await publishedKeys();

    expect(keys.some((key) => isSignedBy(emulator.accessToken(), key))).toBe(true);
    expect(keys.some((key) => isSignedBy(before, key))).toBe(keepOld);
    expect((await onBehalfOf({ assertion: before })).status).toBe(keepOld ? 200 : 400);
  });

  test('nothing for another tenant', async () => {
    const response = await fetch(`${emulator.url}/fabrikam.example/v2.0/.well-known/openid-configuration`);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] });
  });
});

test.each(['oauth2/v2.0/token', 'oauth2/v2.0/devicecode'])(
  'Entra names its server and the request in a refusal of %s',
  async (path) => {
    const response = await fetch(`${emulator.url}/${emulator.tenantId}/${path}`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: emulator.tenantId }),
    });

    const { trace_id: trace } = (await response.json()) as { trace_id: string };
    expect(response.headers.get('x-ms-request-id')).toBe(trace);
    expect(response.headers.get('x-ms-ests-server')).toMatch(/^2\.1\./);
  },
);

describe('On-Behalf-Of', () => {
  test.each([1, 2] as const)('accepts a version %i access token', async (version) => {
    const { status, body } = await onBehalfOf({ assertion: emulator.accessToken({ version }) });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      token_type: 'Bearer',
      scope: 'https://graph.microsoft.com/User.ReadWrite https://graph.microsoft.com/User.Read',
    });
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('client_info');
  });

  test.each<[string, () => Record<string, string>, number, string, number]>([
    ['a wrong secret', () => ({ client_secret: 'wrong' }), 401, 'invalid_client', 7000215],
    ['no secret', () => ({ client_secret: '' }), 401, 'invalid_client', 7000218],
    ['an unknown client', () => ({ client_id: emulator.tenantId }), 400, 'unauthorized_client', 700016],
    ['no assertion', () => ({ assertion: '' }), 400, 'invalid_request', 900144],
    ['no scope', () => ({ scope: '' }), 400, 'invalid_request', 900144],
    [
      'an unknown permission',
      () => ({ scope: 'https://graph.microsoft.com/User.ReadWrit' }),
      400,
      'invalid_client',
      650053,
    ],
    ['an unknown resource', () => ({ scope: 'https://other.example/x' }), 400, 'invalid_resource', 500011],
    [
      'two resources',
      () => ({ scope: `User.Read ${emulator.authServer.appIdUri}/access_as_user` }),
      400,
      'invalid_request',
      28000,
    ],
  ])('refuses %s', async (_name, fields, status, error, code) => {
    const reply = await onBehalfOf({ assertion: emulator.accessToken(), ...fields() });

    expect(reply).toMatchObject({ status, body: { error, error_codes: [code] } });
    expect(reply.body.error_description).toMatch(
      new RegExp(
        `^AADSTS${code}: .+\r\nTrace ID: .+\r\nCorrelation ID: .+\r\nTimestamp: [-\\d]{10} [:\\d]{8}Z$`,
      ),
    );
    expect(reply.body.trace_id).toBe(reply.requestId);
  });

  test('does not emulate a permission that only the real Graph has', async () => {
    const warn = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const scope = 'https://graph.microsoft.com/Mail.Read';
    const reply = await onBehalfOf({ assertion: emulator.accessToken(), scope });
    warn.mockRestore();

    const message = 'The permission Mail.Read of Microsoft Graph is not emulated';
    expect(reply).toMatchObject({ status: 501, body: { error: { code: 'NotEmulated', message } } });
  });

  test('refuses an expired assertion, and writes the times with seven digits of a second', async () => {
    const { body } = await onBehalfOf({ assertion: emulator.accessToken({ defect: 'expired' }) });

    const time = String.raw`[-\d]{10}T[:\d]{8}\.\d{7}Z`;
    expect(body.error_description).toMatch(
      new RegExp(`Current time: ${time}, expiry time of assertion ${time}\\.`),
    );
  });

  test('refuses a user who has not consented, until the switch is off', async () => {
    emulator.switches.consentRequiredFor.add(emulator.users.alice.objectId);
    expect(await onBehalfOf({ assertion: emulator.accessToken() })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', suberror: 'consent_required', error_codes: [65001] },
    });
    expect((await onBehalfOf({ assertion: emulator.accessToken({ user: 'bob' }) })).status).toBe(200);
  });

  /** Defects of an assertion that Entra accepts, because the API must check them. */
  const accepted: Defect[] = [
    ...(['empty_scope', 'wrong_scope', 'scope_prefix', 'scope_case'] as const),
    ...(['wrong_app', 'no_app', 'no_tid', 'tenant_mismatch', 'typ_missing'] as const),
  ];
  const codes: Partial<Record<Defect, number>> = {
    expired: 500133,
    not_yet_valid: 500133,
    no_expiry: 500133,
    app_only: 7000114,
    scope_in_roles: 7000114,
    no_scope: 240002,
    scope_array: 240002,
    id_token_for_api: 240002,
    no_oid: 50034,
    wrong_user: 50034,
    not_a_token: 50027,
    truncated: 50027,
    claims_not_json: 50027,
    ...Object.fromEntries(
      [
        'wrong_audience',
        'graph_audience',
        'audience_of_client',
        'audience_array',
        'no_audience',
        'id_token',
      ].map((name) => [name, 500131]),
    ),
  };

  test.each(allDefects)('accepts or refuses an assertion with the defect %s', async (defect) => {
    const { status, body } = await onBehalfOf({ assertion: emulator.accessToken({ defect }) });

    if (accepted.includes(defect)) expect(status).toBe(200);
    else
      expect({ status, codes: body.error_codes }).toEqual({ status: 400, codes: [codes[defect] ?? 50013] });
  });

  test('refuses a token for Graph, which only Graph can verify, and names its key', async () => {
    const { status, body } = await onBehalfOf({ assertion: emulator.graphToken() });

    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'invalid_grant', error_codes: [50013] });
    expect(body.error_description).toMatch(
      /\[Reason - Key was found, but use of the key to verify the signature failed\., Thumbprint of key used by client: '[\dA-F]{40}'\]/,
    );
  });
});

function isSignedBy(token: string, { n, e }: Key): boolean {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n, e } });
  return verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'));
}
