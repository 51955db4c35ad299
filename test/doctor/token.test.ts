import { allDefects, type Defect, type Emulator } from '../../emulator/startEmulator';
import { startSystem, type System } from '../support/startSystem';
import { diagnose } from './diagnose';

let system: System;
let emulator: Emulator;
beforeAll(async () => ({ emulator } = system = await startSystem()));
afterEach(() => emulator.reset());
afterAll(() => system.stop());

const explain = (...tokens: string[]) =>
  diagnose(emulator, { args: ['--token', '-'], input: tokens.join('\n') });

/** Defects that only change what the server does not check. */
const harmless: readonly Defect[] = ['wrong_app', 'no_app', 'wrong_user'];

describe('an access token', () => {
  it('that is valid is accepted, and proves the delegated permission', async () => {
    const result = await explain(emulator.accessToken());
    expect(result.lines.filter((line) => !line.startsWith('ok '))).toEqual(['No problem.']);
    expect(result.line('access token, response')).toBe('ok access token, response: the server accepts it');
    expect(result.line('delegated permission User.ReadWrite')).toMatch(/^ok .* consented for this user/);
    expect(result.line('identity mapping of this user')).toMatch(/^ok .*: none yet/);
    expect(result.exitCode).toBe(0);
    expect(emulator.callsTo('acs')).toBe(0);
  });

  test.each([1, 2] as const)('of version %i is reported as such', async (version) => {
    const result = await explain(emulator.accessToken({ version }));
    expect(result.line('access token')).toMatch(
      new RegExp(`^ok access token: version ${version}\\.0, user `),
    );
    expect(result.exitCode).toBe(0);
  });

  test.each([
    { how: 'as an argument', call: (token: string) => ({ args: ['--token', token] }) },
    {
      how: 'behind Bearer',
      call: (token: string) => ({ args: ['--token', '-'], input: `Bearer ${token}\n` }),
    },
    { how: 'in quotes', call: (token: string) => ({ args: ['--token', '-'], input: `"${token}",\n` }) },
  ])('may be given $how', async ({ call }) => {
    const result = await diagnose(emulator, call(emulator.accessToken()));
    expect(result.line('access token, response')).toMatch(/^ok /);
  });

  test.each(allDefects.filter((defect) => !harmless.includes(defect)))(
    'with the defect %s gets the response that the doctor predicts',
    async (defect) => {
      const token = emulator.accessToken({ defect });
      const { status, body } = await system.call('get', '/api/user', token);
      const innerCode = status === 401 ? ` (${body.error.innererror.code})` : '';
      const result = await explain(token);
      expect(result.line('access token, response')).toMatch(
        new RegExp(
          `^problem access token, response: the server responds with ${status} ${body.error.code}${escape(innerCode)}, `,
        ),
      );
      expect(result.output).toContain(body.error.message);
      expect(result.exitCode).toBe(1);
      expect(emulator.callsTo('entra.token')).toBe(0);
    },
  );

  test.each([
    { token: () => emulator.accessToken({ defect: 'id_token' }), hint: /It looks like an ID token/ },
    { token: () => emulator.appOnlyToken(), hint: /This is an app-only token/ },
    { token: () => emulator.accessToken({ defect: 'truncated' }), hint: /It looks cut off/ },
    { token: () => '1.AVYA-something-opaque', hint: /an authorization code or a refresh token/ },
    { token: () => 'a.b.c.d.e', hint: /It looks encrypted/ },
    { token: () => 'hello', hint: /Paste the value of access_token/ },
    { token: () => emulator.graphToken(), hint: /is for Microsoft Graph, not for this API/ },
    { token: () => emulator.accessToken({ defect: 'wrong_scope' }), hint: /It has something_else\./ },
  ])('of another kind is recognized: $hint', async ({ token, hint }) => {
    const result = await explain(token());
    expect(result.output).toMatch(hint);
    expect(result.exitCode).toBe(1);
  });

  it('from a client application that is not allowed is reported', async () => {
    const result = await diagnose(emulator, {
      args: ['--token', emulator.accessToken()],
      settings: { ALLOWED_CLIENT_IDS: '0de20000-0000-4000-8000-0000000000aa' },
    });
    expect(result.line('access token, response')).toContain(
      'the server responds with 403 client_not_allowed',
    );
    expect(result.exitCode).toBe(1);
  });

  it('with control characters in its claims does not print them', async () => {
    const result = await explain(
      emulator.accessToken({ claims: { aud: 'x\u001b[2J', tid: 'y\nok fake: z' } }),
    );
    expect(result.output).not.toContain('\u001b');
    expect(result.line('fake')).toBeUndefined();
  });

  it('from Azure Communication Services is reported as a token that the server issues, not accepts', async () => {
    const { body } = await system.call(
      'get',
      '/getToken',
      emulator.accessToken({ user: emulator.addUser() }),
    );
    const result = await explain(body.token);
    expect(result.line('communication token')).toMatch(/^problem .* does not accept them/);
    expect(result.exitCode).toBe(1);
  });

  it('is missing', async () => {
    const result = await explain('  ');
    expect(result.exitCode).toBe(2);
    expect(result.output).toMatch(/^No token was given\.\nusage: /);
  });
});

describe('On-Behalf-Of with a valid access token', () => {
  const permission = 'delegated permission User.ReadWrite';

  it('reports missing consent with the message of the server', async () => {
    const user = emulator.addUser();
    emulator.switches.consentRequiredFor.add(user.objectId);
    const accessToken = emulator.accessToken({ user });
    const { body } = await system.call('get', '/getToken', accessToken);
    const result = await explain(accessToken);
    expect(result.line(permission)).toBe(
      `problem ${permission}: the server responds with 403 consent_required (AADSTS65001): ${body.error.message}`,
    );
    expect(result.line('identity mapping of this user')).toMatch(/^skipped /);
    expect(result.exitCode).toBe(1);
  });

  it('reports that the registration lacks the permission', async () => {
    emulator.applications.withdrawConsent('AuthServer', 'graph', ['User.ReadWrite']);
    const result = await explain(emulator.accessToken());
    expect(result.line(permission)).toMatch(/the server responds with 403 consent_required \(AADSTS65001\)/);
    expect(result.exitCode).toBe(1);
  });

  it('reports that Entra requires MFA', async () => {
    emulator.switches.requireMfaFor.add(emulator.users.alice.objectId);
    const result = await explain(emulator.accessToken());
    expect(result.line(permission)).toMatch(
      /the server responds with 401 insufficient_claims: .*requires additional authentication, such as MFA/,
    );
  });

  it('is skipped while the client secret is wrong', async () => {
    const result = await diagnose(emulator, {
      args: ['--token', emulator.accessToken()],
      settings: { AZURE_CLIENT_SECRET: 'not-the-secret' },
    });
    expect(result.line('client secret')).toMatch(/^problem .*AADSTS7000215/);
    expect(result.line(permission)).toBe(`skipped ${permission}: fix "client secret" first`);
    expect(result.exitCode).toBe(1);
  });

  it('reports an outage of Graph', async () => {
    emulator.fail({ operation: 'graph', kind: 'status', status: 500, times: Infinity });
    const result = await explain(emulator.accessToken());
    expect(result.line('identity mapping of this user')).toMatch(
      /^problem .*Microsoft Graph returned HTTP 500/,
    );
  });

  it.each([
    { mapping: 'sealed', line: /^ok .*: there is one, sealed with this IDENTITY_MAPPING_KEY$/, exitCode: 0 },
    {
      mapping: 'unsigned',
      line: /^warning .*: there is one without a seal, .*409 mapping_not_trusted/,
      exitCode: 0,
    },
    {
      mapping: 'tampered',
      line: /^problem .*: there is one with an invalid seal: .*409 mapping_not_trusted/,
      exitCode: 1,
    },
  ])('reports a mapping that is $mapping', async ({ mapping, line, exitCode }) => {
    const user = emulator.addUser();
    const accessToken = emulator.accessToken({ user });
    await system.call('get', '/getToken', accessToken).expect(200);
    const written = emulator.mappings().find(({ userObjectId }) => userObjectId === user.objectId)?.extension;
    const id = {
      extensionName: 'com.contoso.identityMapping',
      acsUserIdentity: emulator.createForeignIdentity(),
    };
    if (mapping === 'unsigned') emulator.setExtension(user.objectId, id);
    if (mapping === 'tampered') emulator.setExtension(user.objectId, { ...written, ...id });
    const result = await explain(accessToken);
    expect(result.line('identity mapping of this user')).toMatch(line);
    expect(result.exitCode).toBe(exitCode);
    expect(emulator.callsTo('graph.extension')).toBe(1);
  });
});

describe('a Teams token', () => {
  const carol = () => emulator.accessToken({ user: 'carol' });

  it('that is valid passes with the access token of its user', async () => {
    const result = await explain(carol(), emulator.teamsToken());
    expect(result.lines.filter((line) => !line.startsWith('ok '))).toEqual(['No problem.']);
    expect(result.line('Teams token, user')).toContain(emulator.users.carol.objectId);
    expect(result.exitCode).toBe(0);
  });

  it('without an access token leaves the user unchecked', async () => {
    const result = await explain(emulator.teamsToken());
    expect(result.line('Teams token, user')).toMatch(/^skipped .*Paste both/);
    expect(result.line('Teams token, client application')).toMatch(/^skipped .*Paste both/);
    expect(result.line('Teams token, tenant')).toMatch(/^ok /);
    expect(result.exitCode).toBe(0);
  });

  it.each([
    { name: 'is expired', teams: () => emulator.teamsToken({ defect: 'expired' }) },
    { name: 'belongs to another tenant', teams: () => emulator.teamsToken({ defect: 'tenant_mismatch' }) },
    { name: 'belongs to another user', teams: () => emulator.teamsToken({ user: 'bob' }) },
    { name: 'belongs to another application', teams: () => emulator.teamsToken({ defect: 'wrong_app' }) },
  ])('that $name gets the response that the doctor predicts', async ({ teams }) => {
    const [accessToken, teamsToken] = [carol(), teams()];
    const { status, body } = await system
      .call('get', '/exchangeToken', accessToken)
      .set('teams-user-aad-token', teamsToken);
    const result = await explain(accessToken, teamsToken);
    expect(status).toBe(400);
    expect(result.output).toContain(`${body.error.message} The server responds with 400 ${body.error.code}.`);
    expect(result.exitCode).toBe(1);
  });

  it.each([
    {
      name: 'has no scope',
      options: { scope: null },
      check: 'Teams token, scopes',
      line: /^problem .*reject it/,
    },
    {
      name: 'is forged',
      options: { defect: 'wrong_key' },
      check: 'Teams token, signature',
      line: /^problem .*Invalid signature\. Get a new Teams token/,
    },
    {
      name: 'expires soon',
      options: { lifetimeInSeconds: 300 },
      check: 'Teams token, lifetime',
      line: /^warning .*expires in [45] minutes/,
    },
  ] as const)(
    'that $name is reported, although the server leaves the check to ACS',
    async ({ options, check, line }) => {
      const result = await explain(carol(), emulator.teamsToken(options));
      expect(result.line(check)).toMatch(line);
    },
  );
});

function escape(text: string): string {
  return text.replace(/[()]/g, '\\$&');
}
