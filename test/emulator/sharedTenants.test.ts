import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

describe('under a name that all tenants share', () => {
  test.each([
    ['common', '2', 'v2.0/', () => `${emulator.url}/{tenantid}/v2.0`],
    ['organizations', '2', 'v2.0/', () => `${emulator.url}/{tenantid}/v2.0`],
    ['Common', '1', '', () => 'https://sts.windows.net/{tenantid}/'],
  ])('%s, the discovery document of version %s names no tenant', async (name, _version, path, issuer) => {
    const response = await fetch(`${emulator.url}/${name}/${path}.well-known/openid-configuration`);
    const shared = `${emulator.url}/${name.toLowerCase()}`;

    expect(await response.json()).toMatchObject({
      issuer: issuer(),
      token_endpoint: `${shared}/oauth2/v2.0/token`,
      jwks_uri: expect.stringContaining(`${shared}/discovery/`) as unknown,
      authorization_endpoint: `${shared}/oauth2/v2.0/authorize`,
    });
  });

  test.each([
    ['an application gets no token of its own', 'common'],
    ['nobody has a personal account', 'consumers'],
  ])('%s', async (_what, name) => {
    const fields = {
      grant_type: 'client_credentials',
      client_id: emulator.authServer.clientId,
      client_secret: emulator.authServer.clientSecret,
      scope: 'https://graph.microsoft.com/.default',
    };
    const warn = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const response = await fetch(`${emulator.url}/${name}/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams(fields),
      });
      expect(response.status).toBe(501);
    } finally {
      warn.mockRestore();
    }
  });
});
