import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

type Body = Record<string, unknown>;

async function onBehalfOf(scope: string, user = 'alice'): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${emulator.url}/${emulator.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      requested_token_use: 'on_behalf_of',
      client_id: emulator.authServer.clientId,
      client_secret: emulator.authServer.clientSecret,
      assertion: emulator.accessToken({ user }),
      scope,
    }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

async function graph(method: string, token: unknown, body?: Body): Promise<number> {
  const path = method === 'POST' ? '/v1.0/me/extensions' : '/v1.0/me/extensions/com.contoso.x';
  const response = await fetch(`${emulator.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return response.status;
}

const consentRequired = {
  status: 400,
  body: { error: 'invalid_grant', suberror: 'consent_required', error_codes: [65001] },
};
const extension = { '@odata.type': 'microsoft.graph.openTypeExtension', extensionName: 'com.contoso.x' };

describe('a delegated token', () => {
  test('has all consented permissions of its resource, even if fewer were requested', async () => {
    // The registration of the public sample, which requests fewer permissions than it uses.
    emulator.applications.withdrawConsent('AuthServer', 'graph', ['User.ReadWrite']);
    emulator.applications.grantConsent('AuthServer', 'graph', ['User.ReadWrite.All']);

    const { status, body } = await onBehalfOf('user.read');

    expect(status).toBe(200);
    expect(body.scope).toBe('user.read User.ReadWrite.All');
    expect(claimsOf(body.access_token).scp).toBe('User.Read User.ReadWrite.All');
    expect(await graph('POST', body.access_token, extension)).toBe(201);
    expect(await graph('GET', body.access_token)).toBe(200);
    expect(await graph('DELETE', body.access_token)).toBe(204);
  });

  test.each<[string, string, string]>([
    ['https://graph.microsoft.com/.default', 'https://graph.microsoft.com/', ''],
    ['openid .default', '', 'openid '],
  ])('requested as %s has them too', async (scope, prefix, openId) => {
    const { body } = await onBehalfOf(scope);

    expect(body.scope).toBe(`${scope} ${prefix}User.Read ${prefix}User.ReadWrite`);
    expect(claimsOf(body.access_token).scp).toBe(`${openId}User.Read User.ReadWrite`);
  });

  test('is refused for permissions without consent', async () => {
    expect(await onBehalfOf('User.ReadWrite.All')).toMatchObject(consentRequired);
    emulator.applications.withdrawConsent('AuthServer', 'graph', ['User.ReadWrite']);
    expect(await onBehalfOf('User.ReadWrite')).toMatchObject(consentRequired);

    const { body } = await onBehalfOf('User.Read');
    expect(await graph('POST', body.access_token, extension)).toBe(403);

    emulator.applications.withdrawConsent('AuthServer', 'graph');
    expect(await onBehalfOf('https://graph.microsoft.com/.default')).toMatchObject(consentRequired);
    emulator.reset();
    expect((await onBehalfOf('User.ReadWrite')).status).toBe(200);
  });

  test("has a user's own consent, for that user alone", async () => {
    const { objectId } = emulator.users.bob;
    emulator.applications.grantConsent('AuthServer', 'graph', ['User.ReadWrite.All'], objectId);

    expect((await onBehalfOf('User.ReadWrite.All', 'bob')).status).toBe(200);
    expect(await onBehalfOf('User.ReadWrite.All')).toMatchObject(consentRequired);
  });
});

describe('a sign-in', () => {
  const authorize = async (more: Record<string, string>, cookie = ''): Promise<Response> => {
    const query = new URLSearchParams({
      client_id: emulator.authClient.clientId,
      response_type: 'code',
      redirect_uri: 'http://localhost:3000',
      scope: 'User.ReadWrite',
      ...more,
    });
    const url = `${emulator.url}/${emulator.tenantId}`;
    return more.user === undefined
      ? await fetch(`${url}/oauth2/v2.0/authorize?${query.toString()}`, {
          redirect: 'manual',
          headers: { cookie },
        })
      : await fetch(`${url}/login`, {
          method: 'POST',
          redirect: 'manual',
          body: new URLSearchParams({ request: query.toString(), user: more.user }),
        });
  };

  test('on the page gives the consent that is missing; a silent one cannot', async () => {
    const first = await authorize({ user: 'alice', scope: 'openid' });
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const silent = await authorize({ prompt: 'none' }, cookie);
    expect(silent.headers.get('location')).toMatch(/error=interaction_required&.*AADSTS65001/);
    expect(await (await authorize({})).text()).toContain('consents to');

    await authorize({ user: 'alice' });

    const now = await authorize({ prompt: 'none' }, cookie);
    expect(now.headers.get('location')).toMatch(/code=/);
    expect(emulator.applications.consented('AuthClient', 'graph', emulator.users.bob.objectId)).toEqual([
      'User.Read',
    ]);
  });
});

test.each<[string, () => void]>([
  ['application', () => emulator.applications.grantConsent('Other', 'graph', ['User.Read'])],
  ['permission', () => emulator.applications.withdrawConsent('AuthServer', 'graph', ['User.Reed'])],
])('reports an unknown %s', (_what, act) => {
  expect(act).toThrow(/The emulator(’s|'s)? .*(no application|no permission)/);
});

function claimsOf(token: unknown): Body {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Body;
}
