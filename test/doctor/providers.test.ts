import { allDefects, type Defect } from '../../emulator/startEmulator';
import { decodeJwt } from '../../emulator/tokens/jwt';
import { testProviders } from '../support/providers';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { diagnose } from './diagnose';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

describe.each(testProviders)('with IDENTITY_PROVIDER=$kind', (provider) => {
  const settings = () => ({ IDENTITY_STORE: 'acs', ...provider.settings(system.emulator) });
  const tenant = () => provider.tenant(system.emulator);
  const explain = (token: string) =>
    diagnose(system.emulator, { settings: settings(), args: ['--token', '-'], input: token });
  let server: TestServer;
  beforeAll(async () => (server = await startReadyServer(system, settings())));

  it('finds nothing wrong with the setup, and reads the metadata', async () => {
    const { lines, exitCode } = await diagnose(system.emulator, { settings: settings() });
    expect(lines.filter((line) => line.startsWith('problem'))).toEqual([]);
    expect(lines.some((line) => line.includes(` metadata: issuer ${tenant().issuer}`))).toBe(true);
    expect(lines.some((line) => / signing keys: \d+ for RS256/.test(line))).toBe(true);
    expect(lines.join()).not.toMatch(/Entra metadata|client secret/);
    expect(exitCode).toBe(0);
  });

  it('says so if the metadata is of another issuer', async () => {
    const { emulator } = system;
    const body = JSON.stringify({ issuer: 'https://attacker.example', jwks_uri: 'https://localhost/keys' });
    const operation = `${provider.operations}.discovery`;
    emulator.fail({ operation, kind: 'malformed', body, times: Infinity });
    const { lines, exitCode } = await diagnose(emulator, { settings: settings() });
    expect(lines.join()).toMatch(
      /problem {2}\S+.* metadata: the metadata is of the issuer https:\/\/attacker\.example/,
    );
    expect(exitCode).toBe(1);
  });

  it('accepts a good token', async () => {
    const { line, exitCode } = await explain(tenant().accessToken());
    expect(line('access token, response')).toBe('ok access token, response: the server accepts it');
    expect(exitCode).toBe(0);
  });

  it('names the user as the server does', async () => {
    const token = tenant().accessToken();
    const user = String(decodeJwt(token)?.claims[provider.claimOfUser]);
    const { line } = await explain(token);
    expect(line('access token')).toContain(`user ${user},`);
    expect(line('access token, user')).toContain(`${provider.claimOfUser} ${user}`);
  });

  it('says which scopes a token has that lacks the required one', async () => {
    const claims = { scp: undefined, scope: 'profile email' };
    const { line } = await explain(tenant().accessToken({ claims }));
    expect(line('access token, scope')).toMatch(/^problem .*It has profile email\./);
  });

  async function expectPrediction(token: string): Promise<void> {
    const { status, body } = await server.call('get', '/exchangeToken', token);
    const { code, innererror } = body.error as { code: string; innererror?: { code: string } };
    const { line } = await explain(token);
    const innerCode = innererror ? ` (${innererror.code})` : '';
    const expected =
      code === 'teams_exchange_not_supported'
        ? 'ok access token, response: the server accepts it'
        : `problem access token, response: the server responds with ${status} ${code}${innerCode}, because of its `;
    expect(line('access token, response')?.slice(0, expected.length)).toBe(expected);
  }

  it.each(allDefects)('predicts the response to a token with the defect %s', (defect: Defect) =>
    expectPrediction(tenant().accessToken({ defect })),
  );

  it('predicts the response to a token with an issue time that is text, which the server names', async () => {
    const token = tenant().accessToken({ claims: { iat: 'now' } });
    await expectPrediction(token);
    const { body } = await server.call('get', '/exchangeToken', token);
    expect(body).toMatchObject({
      error: { message: expect.stringContaining('an invalid issue time (iat)') as unknown },
    });
  });
});

describe('with OIDC_ALGORITHMS', () => {
  const signingKeys = async (algorithms: string) => {
    const oidc = testProviders.find(({ kind }) => kind === 'oidc');
    const settings = {
      IDENTITY_STORE: 'acs',
      ...oidc?.settings(system.emulator),
      OIDC_ALGORITHMS: algorithms,
    };
    const { exitCode, line } = await diagnose(system.emulator, { settings });
    return { exitCode, line: line('oidc signing keys') };
  };

  it('that no published key can verify, says that no token is accepted', async () => {
    expect(await signingKeys('ES384,EdDSA')).toEqual({
      exitCode: 1,
      line: expect.stringMatching(
        /^problem .*: none of the \d+ published can verify ES384, EdDSA: .* -> Set OIDC_ALGORITHMS/,
      ) as unknown,
    });
  });

  it('of which the published keys can verify one, finds nothing wrong', async () => {
    expect(await signingKeys('ES384,PS512')).toEqual({
      exitCode: 0,
      line: expect.stringMatching(/^ok .*: \d+ for ES384, PS512$/) as unknown,
    });
  });
});

it('explains the token of each of several providers, and one of none of them', async () => {
  const { emulator } = system;
  const settings = {
    ...emulator.externalId.settings(),
    ...emulator.b2c.settings(),
    IDENTITY_STORE: 'acs',
    IDENTITY_PROVIDER: 'entra,external_id,b2c',
  };
  const explain = (token: string) => diagnose(emulator, { settings, args: ['--token', '-'], input: token });
  for (const token of [
    emulator.accessToken(),
    emulator.externalId.accessToken(),
    emulator.b2c.accessToken(),
    emulator.b2c.accessToken({ claims: { tfp: 'B2C_1_profile' } }),
  ]) {
    expect((await explain(token)).line('access token, response')).toMatch(/^ok /);
  }
  const otherTenant = await explain(
    emulator.externalId.accessToken({ claims: { tid: '00000000-0000-4000-8000-000000000000' } }),
  );
  expect(otherTenant.line('access token, tenant')).toMatch(/this server's is in EXTERNAL_ID_TENANT_ID\.$/);
  const ofNone = await explain(emulator.accessToken({ claims: { iss: 'https://attacker.example' } }));
  expect(ofNone.line('access token, response')).toMatch(/401 invalid_token \(wrong_issuer\)/);
  const policy = await explain(emulator.b2c.accessToken({ claims: { tfp: 'B2C_1_other' } }));
  expect(policy.line('access token, response')).toMatch(/401 invalid_token \(wrong_policy\)/);
});
