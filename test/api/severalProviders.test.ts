import { type ApiResponse, challengesOf, expectError } from '../support/responses';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { until } from '../support/until';

let system: System;
let server: TestServer;
beforeAll(async () => {
  system = await startReadySystem();
  server = await startReadyServer(system, allProviders());
});
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

function allProviders(): Record<string, string> {
  const { externalId, b2c } = system.emulator;
  return {
    ...externalId.settings(),
    ...b2c.settings(),
    IDENTITY_STORE: 'acs',
    IDENTITY_PROVIDER: 'entra,external_id,b2c',
  };
}

const userOf = async (accessToken: string, by = server): Promise<string> => {
  const response = await by.call('post', '/api/user', accessToken);
  expect([200, 201]).toContain(response.status);
  return response.body.user.communicationUserId as string;
};

function expectInvalid(response: ApiResponse, reason: string): void {
  expectError(response, {
    status: 401,
    code: 'invalid_token',
    innererror: { code: reason },
    challenge: expect.anything() as Record<string, unknown>,
  });
}

describe('several providers', () => {
  it('each serve their own users, who are different even with the same object id', async () => {
    const { emulator } = system;
    const [entra, externalId, b2c] = [
      await userOf(emulator.accessToken()),
      await userOf(emulator.externalId.accessToken()),
      await userOf(emulator.b2c.accessToken()),
    ];
    expect(new Set([entra, externalId, b2c]).size).toBe(3);
    expect(await userOf(emulator.accessToken({ version: 1 }))).toBe(entra);
    expect(await userOf(emulator.externalId.accessToken())).toBe(externalId);
    expect(emulator.identities()).toHaveLength(3);
  });

  it('recognize a user of Azure AD B2C, whichever policy signed them in', async () => {
    const { b2c } = system.emulator;
    const first = await userOf(b2c.accessToken());
    expect(await userOf(b2c.accessToken({ claims: { tfp: 'B2C_1_profile' } }))).toBe(first);
    expect(await userOf(b2c.accessToken({ claims: { tfp: undefined, acr: 'b2c_1_susi' } }))).toBe(first);
  });

  it('accept no other policy of Azure AD B2C', async () => {
    const { b2c } = system.emulator;
    for (const tfp of ['B2C_1_other', undefined])
      expectInvalid(
        await server.call('get', '/api/user', b2c.accessToken({ claims: { tfp } })),
        'wrong_policy',
      );
  });

  it("refuse a token that names one provider and is signed with another one's key", async () => {
    const { emulator } = system;
    const call = (token: string) => server.call('get', '/api/user', token);
    const asExternalId = { iss: emulator.externalId.issuer, tid: emulator.externalId.tenantId };
    const ofExternalId = { ...asExternalId, aud: emulator.externalId.apiClientId };
    const asEntra = { iss: `${emulator.url}/${emulator.tenantId}/v2.0`, tid: emulator.tenantId };
    const ofEntra = { ...asEntra, aud: emulator.authServer.clientId };
    expectInvalid(await call(emulator.accessToken({ claims: ofExternalId })), 'unknown_key');
    expectInvalid(await call(emulator.externalId.accessToken({ claims: ofEntra })), 'unknown_key');
    const ofB2c = {
      iss: emulator.b2c.issuer,
      aud: emulator.b2c.apiClientId,
      tfp: 'B2C_1_susi',
      sub: emulator.users.bob.objectId,
    };
    expectInvalid(await call(emulator.accessToken({ claims: ofB2c })), 'unknown_key');
  });

  it("refuse a token whose audience is another provider's", async () => {
    const { emulator } = system;
    const call = (token: string) => server.call('get', '/api/user', token);
    const aud = emulator.externalId.apiClientId;
    expectInvalid(await call(emulator.accessToken({ claims: { aud } })), 'wrong_audience');
    expectInvalid(await call(emulator.b2c.accessToken({ claims: { aud } })), 'wrong_audience');
    const ofEntra = { aud: emulator.authServer.clientId };
    expectInvalid(await call(emulator.externalId.accessToken({ claims: ofEntra })), 'wrong_audience');
  });

  it.each(['/', ' ', '/v2.0', '%2F'])('treat an issuer followed by "%s" as another one', async (more) => {
    const { externalId } = system.emulator;
    const token = externalId.accessToken({ claims: { iss: `${externalId.issuer}${more}` } });
    expectInvalid(await server.call('get', '/api/user', token), 'wrong_issuer');
  });

  it('let only users of Entra exchange Teams tokens', async () => {
    const { emulator } = system;
    const exchange = (accessToken: string) =>
      server.call('get', '/exchangeToken', accessToken).set('teams-user-aad-token', emulator.teamsToken());
    expect((await exchange(emulator.accessToken({ user: 'carol' }))).status).toBe(200);
    expectError(await exchange(emulator.b2c.accessToken({ user: 'carol' })), {
      status: 403,
      code: 'teams_exchange_not_supported',
    });
  });

  it('ask a caller without a token to sign in with the first one', async () => {
    const challenge = challengesOf(system.emulator).withoutError;
    expectError(await server.call('get', '/api/user'), { status: 401, code: 'missing_token', challenge });
  });
});

describe('while one of several providers is down from the start', () => {
  it('the others are served, and its own tokens get 503', async () => {
    const { emulator } = system;
    emulator.fail({ operation: 'entra', kind: 'status', status: 503, times: Infinity });
    const another = await system.startAnother(allProviders());
    await until(async () => (await another.call('get', '/health/ready')).status === 200);
    await userOf(emulator.externalId.accessToken(), another);
    for (const token of [emulator.accessToken(), emulator.accessToken({ version: 1 })]) {
      expectError(await another.call('get', '/api/user', token), {
        status: 503,
        code: 'upstream_unavailable',
        innererror: { upstream: 'Microsoft Entra ID', operation: 'read discovery', status: 503 },
        retryAfter: 'some',
      });
    }
    await another.stop();
  });
});

describe('two tenants of Entra', () => {
  it('are distinguished by their issuer', async () => {
    const { emulator } = system;
    const partner = { tenant: '0de20000-0000-4000-8000-0000000000ff' };
    const another = await system.startAnother({
      IDENTITY_STORE: 'acs',
      IDENTITY_PROVIDER: 'entra:partner,entra',
      AZURE_TENANT_ID__PARTNER: partner.tenant,
      AZURE_CLIENT_ID__PARTNER: emulator.authServer.clientId,
      AZURE_AUTHORITY_HOST__PARTNER: emulator.url,
    });
    await until(async () => (await another.call('get', '/health/ready')).status === 200);
    await userOf(emulator.accessToken(), another);
    const ofOther = emulator.accessToken({ defect: 'other_tenant' });
    // The emulator does not have that tenant, so that its keys cannot be loaded.
    expect((await another.call('get', '/api/user', ofOther)).status).toBe(503);
    await another.stop();
  });
});

describe('the description of the API', () => {
  it.each<[string, boolean, boolean]>([
    ['entra', true, true],
    ['external_id', false, true],
    ['b2c', false, false],
    ['b2c,entra', true, true],
  ])('with %s has the Teams exchange: %s, and a sign-in: %s', async (IDENTITY_PROVIDER, exchange, signIn) => {
    const another = await system.startAnother({ ...allProviders(), IDENTITY_PROVIDER });
    const { body } = await another.call('get', '/openapi.json');
    expect('/exchangeToken' in body.paths).toBe(exchange);
    expect('/api/token/teams' in body.paths).toBe(exchange);
    expect('entra' in body.components.securitySchemes).toBe(signIn);
    expect(body.security).toHaveLength(signIn ? 2 : 1);
    expect((await another.call('get', '/docs/start.js')).status).toBe(200);
    await another.stop();
  });
});
