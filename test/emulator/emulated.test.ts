import { emulated } from '../../emulator/http/emulated';
import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

describe('the table of operations', () => {
  test.each(emulated.map((entry) => [entry.operation, entry] as const))(
    'describes %s correctly',
    async (operation, entry) => {
      const path = entry.path
        .replace('{tenant}', emulator.tenantId)
        .replace(/\{\w+\}/, 'com.contoso.something');
      const response = await fetch(`${emulator.url}${path}`, {
        method: entry.method,
        redirect: 'manual',
        ...('grantType' in entry ? { body: new URLSearchParams({ grant_type: entry.grantType }) } : {}),
      });

      expect(response.status).not.toBe(501);
      expect(response.headers.has('access-control-allow-origin')).toBe('crossOrigin' in entry);
      expect(emulator.calls()).toEqual({ [operation]: 1 });
    },
  );
});

test.each([
  ['/v1.0/%24batch', 'graph.batch'],
  ['/identities/8%3Aacs%3A1_2/%3AissueAccessToken', 'acs.token.issue'],
  ['/teamsUser/%3aexchangeAccessToken', 'acs.teams.exchange'],
])('a client may encode a path: POST %s', async (path, operation) => {
  expect((await fetch(`${emulator.url}${path}`, { method: 'POST' })).status).toBe(401);
  expect(emulator.calls()).toEqual({ [operation]: 1 });
});

describe('an operation that is not in the table', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/v1.0/users'],
    ['GET', '/beta/me'],
    ['PUT', '/v1.0/me/extensions'],
    ['PATCH', '/identities/8%3Aacs%3A1_2'],
    ['POST', '/identities/8%3Aacs%3A1_2/issueAccessToken'],
    ['POST', '/identities/'],
    ['GET', '/identities/%E0%A4%A/:issueAccessToken'],
    ['POST', '/TENANT/oauth2/v2.0/token'],
    ['OPTIONS', '/identities'],
  ])('is reported as not emulated: %s %s', async (method, path) => {
    const warn = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const target = path.replace('TENANT', emulator.tenantId);
      const response = await fetch(`${emulator.url}${target}`, {
        method,
        ...(path.endsWith('token')
          ? { body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:saml2-bearer' }) }
          : {}),
      });

      expect(response.status).toBe(501);
      const message = `${method} ${target} is not emulated`;
      expect(await response.json()).toEqual({ error: { code: 'NotEmulated', message } });
      expect(warn).toHaveBeenCalledWith(`emulator: ${message}\n`);
      expect(emulator.calls()).toEqual({ notEmulated: 1 });
    } finally {
      warn.mockRestore();
    }
  });
});

test('two emulators in one process share nothing', async () => {
  const other = await startEmulator();
  try {
    other.createIdentity();
    other.switches.requireMfaFor.add('someone');
    other.fail({ operation: 'graph', kind: 'drop', times: Infinity });
    const response = await fetch(`${other.url}/v1.0/me`, {
      headers: { authorization: `Bearer ${emulator.graphToken()}` },
    }).catch(() => undefined);

    expect(response).toBeUndefined();
    expect(emulator.identities()).toEqual([]);
    expect(emulator.switches.requireMfaFor.size).toBe(0);
    other.reset();
    const foreign = await fetch(`${other.url}/v1.0/me`, {
      headers: { authorization: `Bearer ${emulator.graphToken()}` },
    });
    expect(foreign.status).toBe(401);
  } finally {
    await other.stop();
  }
});

test('it does not start in production', async () => {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  try {
    await expect(startEmulator()).rejects.toThrow('NODE_ENV=production');
  } finally {
    process.env.NODE_ENV = before;
  }
});
