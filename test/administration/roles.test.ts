import { randomUUID } from 'node:crypto';
import { challengesOf, expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { testProviders } from '../support/providers';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';

const role = 'CommunicationUsers.Manage.All';
const methods = ['get', 'delete'] as const;

let system: System;
beforeAll(async () => {
  // With this store, a user without an identity takes one call, to Communication Services, so the tests can see that a refusal makes none.
  system = await startReadySystem({ IDENTITY_STORE: 'acs' });
});
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const pathOf = (objectId: string) => `/api/users/${objectId}`;

/** A user with an identity, and its id. */
async function newUser(): Promise<{ objectId: string; token: string; id: string }> {
  const user = system.emulator.addUser();
  const token = system.emulator.accessToken({ user });
  const { body } = await system.call('get', '/api/token', token).expect(200);
  return { objectId: user.objectId, token, id: body.user.communicationUserId as string };
}

const existingIds = () => system.emulator.identities().map(({ id }) => id);

describe('an administrator', () => {
  const tokens: Record<string, () => string> = {
    'a daemon with the role': () => system.emulator.administratorToken(),
    'a user with the role': () => system.emulator.accessToken({ claims: { roles: [role] } }),
    'a user with the role and another scope': () =>
      system.emulator.accessToken({ scope: 'other', claims: { roles: ['Other', role] } }),
    'a user with the role, by a version 1 token': () =>
      system.emulator.accessToken({ version: 1, claims: { roles: [role] } }),
  };

  it.each(Object.entries(tokens))('that is %s finds and erases any user', async (_name, tokenOf) => {
    const { objectId, id } = await newUser();
    const found = await system.call('get', pathOf(objectId), tokenOf()).expect(200);
    expect(found.body).toEqual({ user: { communicationUserId: id } });
    await system.call('delete', pathOf(objectId.toUpperCase()), tokenOf()).expect(204);
    expect(existingIds()).not.toContain(id);
    await system.call('get', pathOf(objectId), tokenOf()).expect(404);
    await system.call('delete', pathOf(objectId), tokenOf()).expect(204);
  });

  it('gets a token with the role from the token endpoint, as a daemon', async () => {
    const { emulator } = system;
    const { objectId, id } = await newUser();
    for (const version of [1, 2] as const) {
      emulator.switches.accessTokenVersion = version;
      const token = await clientCredentialsToken();
      const { body } = await system.call('get', pathOf(objectId), token).expect(200);
      expect(body).toEqual({ user: { communicationUserId: id } });
    }
    emulator.switches.apiApplicationRoles = {};
    const { status } = await system.call('get', pathOf(objectId), await clientCredentialsToken());
    expect(status).toBe(403);
  });

  async function clientCredentialsToken(): Promise<string> {
    const { url, tenantId, offboardingJob, authServer } = system.emulator;
    const response = await fetch(`${url}/${tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: offboardingJob.clientId,
        client_secret: offboardingJob.clientSecret,
        scope: `${authServer.appIdUri}/.default`,
      }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  }

  it('gets nothing else with the role', async () => {
    const token = system.emulator.administratorToken();
    const made = await callsDuring(system.emulator, async () => {
      for (const [method, path] of [
        ['get', '/api/token'],
        ['post', '/exchangeToken'],
        ['get', '/api/user'],
        ['post', '/api/user'],
        ['delete', '/deleteUser'],
      ] as const) {
        // In both orders, since a token that one route has cached must not be accepted on the other.
        await system.call('get', pathOf('0'), token).expect(400);
        const response = await system.call(method, path, token);
        expect([response.status, response.body.error.code]).toEqual([403, 'app_only_token']);
      }
    });
    expect(made).toEqual({});
  });

  it.each(['alice@contoso.example', '0', 'a'.repeat(36), '%F0%9F%98%80'])(
    'who names a user by %s gets an error that requires an object id',
    async (name) => {
      for (const method of methods) {
        const response = await system.call(method, pathOf(name), system.emulator.administratorToken());
        expectError(response, { status: 400, code: 'invalid_request', target: 'objectId' });
      }
    },
  );
});

it('a path that cannot be decoded is refused as malformed', async () => {
  const response = await system.call('delete', pathOf('%E0%A4%A'), system.emulator.administratorToken());
  expectError(response, { status: 400, code: 'invalid_request', target: 'path' });
});

describe('refused is', () => {
  it.each<[string, () => string]>([
    ['a user without the role', () => system.emulator.accessToken()],
    ['a daemon without the role', () => system.emulator.appOnlyToken()],
    ['a role of another name', () => system.emulator.accessToken({ claims: { roles: [`${role}2`] } })],
    ['a role that is not a list', () => system.emulator.accessToken({ claims: { roles: role } })],
    ['a role in the scope', () => system.emulator.accessToken({ scope: role })],
    [
      'an ID token for the API with the role',
      () => system.emulator.accessToken({ defect: 'id_token_for_api', claims: { roles: [role] } }),
    ],
  ])('%s', async (_name, tokenOf) => {
    const { objectId, id } = await newUser();
    const token = tokenOf();
    const made = await callsDuring(system.emulator, async () => {
      for (const method of methods) {
        const response = await system.call(method, pathOf(objectId), token);
        expectError(response, {
          status: 403,
          code: 'insufficient_role',
          challenge: challengesOf(system.emulator).insufficientRole,
        });
      }
    });
    expect(made).toEqual({});
    expect(existingIds()).toContain(id);
  });

  it.each(['expired', 'wrong_audience', 'other_tenant', 'bad_signature'] as const)(
    'a token with the role that is invalid: %s',
    async (defect) => {
      const { objectId } = await newUser();
      const token = system.emulator.administratorToken({ defect });
      const response = await system.call('delete', pathOf(objectId), token);
      expect([response.status, response.body.error.code]).toEqual([401, 'invalid_token']);
    },
  );

  it('a request without a token', async () => {
    const response = await system.call('delete', pathOf((await newUser()).objectId));
    expect([response.status, response.body.error.code]).toEqual([401, 'missing_token']);
  });

  it('a client application that is not on the list', async () => {
    const { clientId } = system.emulator.offboardingJob;
    const { objectId } = await newUser();
    const token = system.emulator.administratorToken();
    const closed = await startReadyServer(system, {
      ALLOWED_CLIENT_IDS: system.emulator.authClient.clientId,
    });
    const response = await closed.call('delete', pathOf(objectId), token);
    expect([response.status, response.body.error.code]).toEqual([403, 'client_not_allowed']);
    const open = await startReadyServer(system, { ALLOWED_CLIENT_IDS: clientId });
    await open.call('delete', pathOf(objectId), token).expect(204);
  });

  it('an administrator with too many requests', async () => {
    const server = await startReadyServer(system, { RATE_LIMIT_USER: '2' });
    const token = system.emulator.administratorToken();
    const path = pathOf((await newUser()).objectId);
    await server.call('get', path, token).expect(200);
    await server.call('delete', path, token).expect(204);
    const response = await server.call('delete', path, token);
    expectError(response, { status: 429, code: 'too_many_requests', retryAfter: 'some' });
  });
});

describe('the audit log', () => {
  it('has one line for each operation, with caller, user and outcome', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const { objectId } = await newUser();
    const administrator = emulator.administratorToken();
    const ordinary = emulator.accessToken({ user: 'bob' });
    await server.call('get', pathOf(objectId), administrator).expect(200);
    await server.call('delete', pathOf(objectId), administrator).expect(204);
    await server.call('get', pathOf(objectId), administrator).expect(404);
    await server.call('delete', pathOf(objectId), ordinary).expect(403);
    await server.call('delete', pathOf('x'.repeat(100))).expect(401);
    await server.call('get', pathOf('alice@contoso.example'), administrator).expect(400);
    emulator.fail({ operation: 'acs.identity.create', kind: 'status', status: 400 });
    await server.call('delete', pathOf(objectId), administrator).expect(502);

    const lines = server.rawLog.map((line) => JSON.parse(line) as Record<string, unknown>);
    const audits = lines.filter(({ message }) => message === 'audit');
    const { servicePrincipalId, clientId } = emulator.offboardingJob;
    const byJob = { administrator: servicePrincipalId, client: clientId, tenant: emulator.tenantId };
    const byBob = { administrator: emulator.users.bob.objectId, client: emulator.authClient.clientId };
    const [find, erase] = [{ audit: 'find user' }, { audit: 'erase user', user: objectId }];
    expect(audits).toEqual(
      [
        { ...find, ...byJob, outcome: 'done' },
        { ...erase, ...byJob, outcome: 'done' },
        { ...find, ...byJob, outcome: 'not found', error: 'user_not_found' },
        { ...erase, ...byBob, outcome: 'refused', error: 'insufficient_role' },
        {
          ...erase,
          outcome: 'refused',
          user: expect.stringMatching(/^x{64}\.\.\.$/),
          error: 'missing_token',
        },
        { ...find, ...byJob, outcome: 'refused', user: '[redacted]', error: 'invalid_request' },
        { ...erase, ...byJob, outcome: 'failed', error: 'upstream_refused' },
      ].map((expected): unknown => expect.objectContaining(expected)),
    );
    for (const line of audits) {
      expect(line).toMatchObject({ time: expect.stringMatching(/Z$/), requestId: expect.any(String) });
    }
    expect(audits.map(({ administrator: who }) => who === undefined)).toEqual([
      ...[false, false, false, false],
      ...[true, false, false],
    ]);
  });

  it.each([undefined, 'external_id'])(
    'names the caller of a client that is not allowed (%s)',
    async (kind) => {
      const { emulator } = system;
      const provider = testProviders.find((candidate) => candidate.kind === kind);
      const settings = { ...provider?.settings(emulator), ALLOWED_CLIENT_IDS: randomUUID() };
      const server = await startReadyServer(system, settings);
      const token = provider?.tenant(emulator).accessToken() ?? emulator.administratorToken();
      await server.call('delete', pathOf(randomUUID()), token).expect(403);
      const lines = server.rawLog.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines.find(({ message }) => message === 'audit')).toMatchObject({
        administrator: expect.any(String),
        client: expect.any(String),
        error: 'client_not_allowed',
      });
    },
  );
});
