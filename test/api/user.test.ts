import type { Switches, User } from '../../emulator/startEmulator';
import { type ApiResponse, expectCommonHeaders, expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { extensionName, mappingOf, setSealedMapping } from '../support/mappings';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import { timeScale } from '../support/fastTimings';
import type { System, TestServer } from '../support/startSystem';

let system: System;
let user: User;
beforeAll(async () => (system = await startReadySystem()));
beforeEach(() => (user = system.emulator.addUser()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

type Method = 'get' | 'post' | 'delete';

function call(method: Method, path: string, { by = user, on }: { by?: User; on?: TestServer } = {}) {
  return (on ?? system).call(method, path, system.emulator.accessToken({ user: by }));
}

function expectUser(
  response: ApiResponse,
  status: 200 | 201,
  id: unknown = expect.stringMatching(/^8:acs:/),
): void {
  expect({ status: response.status, body: response.body }).toEqual({
    status,
    body: { user: { communicationUserId: id } },
  });
  expectCommonHeaders(response);
}

function expectToken(response: ApiResponse, id: unknown = expect.stringMatching(/^8:acs:/)): void {
  expect({ status: response.status, body: response.body }).toEqual({
    status: 200,
    body: {
      token: expect.stringMatching(/^eyJ/),
      expiresOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      user: { communicationUserId: id },
    },
  });
  expectCommonHeaders(response);
}

function expectDeleted(response: ApiResponse): void {
  expect({ status: response.status, body: response.body }).toEqual({ status: 204, body: {} });
  expectCommonHeaders(response);
}

const identityIds = () => system.emulator.identities().map(({ id }) => id);
const notFound = { status: 404, code: 'user_not_found' } as const;
const found = { 'entra.token.on_behalf_of': 1, 'graph.me': 1 };
const created = { ...found, 'acs.identity.create': 1, 'graph.extension.create': 1 };

describe('GET /api/user', () => {
  it('returns 404 for a user without an identity, and creates none', async () => {
    const made = await callsDuring(system.emulator, async () =>
      expectError(await call('get', '/api/user'), notFound),
    );
    expect(made).toEqual(found);
    expect(identityIds()).toEqual([]);
  });

  it('returns the identity that GET /getToken created', async () => {
    const { body } = await call('get', '/getToken');
    expectUser(await call('get', '/api/user'), 200, body.user.communicationUserId);
  });

  it('reads the directory, not the cache', async () => {
    await call('get', '/getToken');
    system.emulator.removeExtension(user.objectId, extensionName);
    expectError(await call('get', '/api/user'), notFound);
  });

  it('returns 404 while the identity is being deleted', async () => {
    setSealedMapping(system.emulator, user, system.emulator.createIdentity(), { deletion: 'server/claim' });
    expectError(await call('get', '/api/user'), notFound);
  });
});

describe('POST /api/user', () => {
  it('creates an identity without a token: 201 the first time, then 200', async () => {
    const { emulator } = system;
    const made = await callsDuring(emulator, async () => expectUser(await call('post', '/api/user'), 201));
    expect(made).toEqual(created);
    const [id] = identityIds();
    expectUser(await call('post', '/api/user'), 200, id);
    expectUser(await call('post', '/api/user', { on: await startReadyServer(system) }), 200, id);
    expectToken(await call('get', '/getToken'), id);
    expect(identityIds()).toEqual([id]);
  });

  it('gives every user a different identity', async () => {
    const other = system.emulator.addUser();
    const first = await call('post', '/api/user');
    const second = await call('post', '/api/user', { by: other });
    expect(first.body.user.communicationUserId).not.toBe(second.body.user.communicationUserId);
  });
});

describe('a token', () => {
  it.each<[Method, string]>([
    ['get', '/getToken'],
    ['post', '/getToken'],
    ['get', '/api/token'],
    ['post', '/api/token'],
  ])('from %s %s is for the identity of the user', async (method, path) => {
    const id = (await call('post', '/api/user')).body.user.communicationUserId as string;
    const response = await call(method, path);
    expectToken(response, id);
    const [, claims = ''] = (response.body.token as string).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      skypeid: id.slice(2),
      acsScope: 'chat,voip',
    });
  });

  it('has the scopes and the lifetime from the settings, for a new user and a known one', async () => {
    const server = await startReadyServer(system, {
      COMMUNICATION_SERVICES_TOKEN_SCOPES: 'voip.join, chat',
      COMMUNICATION_SERVICES_TOKEN_LIFETIME_MINUTES: '90',
    });
    for (const cacheControl of ['max-age=0', 'no-cache']) {
      const { body } = await call('get', '/getToken', { on: server }).set('Cache-Control', cacheControl);
      const [, claims = ''] = (body.token as string).split('.');
      const { acsScope, exp, iat } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
        string,
        unknown
      >;
      expect({ acsScope, lifetime: Number(exp) - Number(iat) }).toEqual({
        acsScope: 'voip.join,chat',
        lifetime: 5_400,
      });
      expect(Math.floor(Date.parse(body.expiresOn as string) / 1_000)).toBe(exp);
    }
  });
});

describe.each(['/deleteUser', '/api/user'])('DELETE %s', (path) => {
  it('deletes mapping and identity, and returns the same when repeated', async () => {
    const { emulator } = system;
    const first = await call('get', '/getToken');
    const made = await callsDuring(emulator, async () => expectDeleted(await call('delete', path)));
    expect(made).toMatchObject({ 'acs.identity.delete': 1, 'graph.extension.delete': 1 });
    expect({ identities: identityIds(), mapping: mappingOf(emulator, user) }).toEqual({
      identities: [],
      mapping: undefined,
    });
    expectDeleted(await call('delete', path));
    expectError(await call('get', '/api/user'), notFound);

    const again = await call('get', '/getToken');
    expectToken(again);
    expect(again.body.user.communicationUserId).not.toBe(first.body.user.communicationUserId);
    expect(identityIds()).toEqual([again.body.user.communicationUserId]);
  });

  it('returns 204 for a user without an identity, after one read', async () => {
    const made = await callsDuring(system.emulator, async () => expectDeleted(await call('delete', path)));
    expect(made).toEqual(found);
  });

  it('does not affect other users', async () => {
    const other = system.emulator.addUser();
    const kept = (await call('get', '/getToken', { by: other })).body.user.communicationUserId;
    await call('get', '/getToken');
    expectDeleted(await call('delete', path));
    expect(identityIds()).toEqual([kept]);
    expect(mappingOf(system.emulator, other)?.acsUserIdentity).toBe(kept);
  });

  it('does not touch other extensions of the user', async () => {
    const { emulator } = system;
    const others = [
      { extensionName: 'com.contoso.roaming', theme: 'dark' },
      { extensionName: 'com.contoso.identityMapping.backup', acsUserIdentity: '8:acs:kept' },
    ];
    others.forEach((extension) => emulator.setExtension(user.objectId, extension));
    const before = emulator.mappings();
    await call('get', '/getToken');
    expectDeleted(await call('delete', path));
    expect(emulator.mappings()).toEqual(before);
  });

  it('completes a deletion that a crash interrupted, before or after the identity was deleted', async () => {
    const { emulator } = system;
    for (const identityAlive of [true, false]) {
      const id = emulator.createIdentity();
      if (!identityAlive) emulator.deleteIdentity(id);
      setSealedMapping(emulator, user, id, { deletion: 'server/claim' });
      expectDeleted(await call('delete', path, { on: await startReadyServer(system) }));
      expect({ identities: identityIds(), mapping: mappingOf(emulator, user) }).toEqual({
        identities: [],
        mapping: undefined,
      });
    }
  });
});

it('GET /getToken never reuses an identity whose deletion has started', async () => {
  const { emulator } = system;
  const deletedId = emulator.createIdentity();
  setSealedMapping(emulator, user, deletedId, { deletion: 'server/claim' });
  const response = await call('get', '/getToken');
  expectToken(response);
  expect(response.body.user.communicationUserId).not.toBe(deletedId);
  expect(identityIds()).toEqual([response.body.user.communicationUserId]);
});

/** Behavior that the documentation does not specify: the result must be the same for each variant. */
const variants: [string, Partial<Switches>][] = [
  ['the default', {}],
  ['409 for a second extension', { duplicateExtensionStatus: 409 }],
  ['extensions with an id only', { onlyIdInExtensions: true }],
  ['a response body to PATCH', { patchAnswersBody: true }],
  ['404 for the deletion of a deleted identity', { deleteOfDeletedIdentityStatus: 404 }],
  [
    '400 for a deleted identity, recognized by its message',
    {
      deletedIdentity: { status: 400, code: 'ValidationError', message: "Provided identity doesn't exist." },
    },
  ],
  [
    '403 for a deleted identity, recognized by its message',
    { deletedIdentity: { status: 403, code: 'Forbidden', message: 'Provided identity does not exist' } },
  ],
  [
    '404 for a deleted identity, with another message',
    { deletedIdentity: { status: 404, code: 'NotFound', message: 'Nothing here.' } },
  ],
  [
    '410 for a deleted identity',
    { deletedIdentity: { status: 410, code: 'Gone', message: 'The identity is gone.' } },
  ],
  ['version 1 tokens', { accessTokenVersion: 1 }],
  [
    'all variants together',
    {
      duplicateExtensionStatus: 409,
      onlyIdInExtensions: true,
      patchAnswersBody: true,
      deleteOfDeletedIdentityStatus: 404,
      deletedIdentity: { status: 410, code: 'Gone', message: 'The identity is gone.' },
      accessTokenVersion: 1,
    },
  ],
];

describe.each(variants)('when the services respond with %s', (_, switches) => {
  beforeEach(() => void Object.assign(system.emulator.switches, switches));

  const onlyIdentity = (id: string) =>
    expect({ identities: identityIds(), mapped: mappingOf(system.emulator, user)?.acsUserIdentity }).toEqual({
      identities: [id],
      mapped: id,
    });

  it('the identity is created, found, deleted, and created again', async () => {
    const first = await call('get', '/getToken');
    expectToken(first);
    onlyIdentity(first.body.user.communicationUserId);
    expectToken(
      await call('get', '/getToken', { on: await startReadyServer(system) }),
      first.body.user.communicationUserId,
    );
    expectDeleted(await call('delete', '/api/user'));
    expectDeleted(await call('delete', '/api/user', { on: await startReadyServer(system) }));
    const again = await call('post', '/api/user');
    expectUser(again, 201);
    onlyIdentity(again.body.user.communicationUserId);
  });

  it.each<[string, () => Promise<TestServer>]>([
    ['the server that created it', () => Promise.resolve(system)],
    ['another server', () => startReadyServer(system)],
  ])('a deleted identity is replaced by %s', async (__, serverOf) => {
    const { emulator } = system;
    const first = await call('get', '/getToken');
    emulator.deleteIdentity(first.body.user.communicationUserId);
    const server = await serverOf();
    const fresh = () => call('get', '/getToken', { on: server }).set('Cache-Control', 'no-cache');
    const second = await fresh();
    expectToken(second);
    expect(second.body.user.communicationUserId).not.toBe(first.body.user.communicationUserId);
    onlyIdentity(second.body.user.communicationUserId);
    expectToken(await fresh(), second.body.user.communicationUserId);
  });

  it('an identity that another server has replaced is not replaced again after a stale read', async () => {
    const { emulator } = system;
    const second = await startReadyServer(system);
    await call('get', '/getToken');
    await call('get', '/getToken', { on: second });
    const body = { id: user.objectId, extensions: [mappingOf(emulator, user)] };
    expectDeleted(await call('delete', '/api/user'));
    const { communicationUserId } = (await call('get', '/getToken')).body.user;
    emulator.fail({ operation: 'graph.me', kind: 'status', status: 200, body });
    const response = await call('get', '/getToken', { on: second }).set('Cache-Control', 'no-cache');
    expectToken(response, communicationUserId);
    onlyIdentity(communicationUserId);
  });

  it.each([
    ['JSON in another format', { code: '404', message: 'Resource not found' }],
    ['a body that is not JSON', 'nothing here'],
  ])('an identity is not treated as deleted because of a 404 with %s', async (_name, body) => {
    const { emulator } = system;
    const { communicationUserId } = (await call('get', '/getToken')).body.user;
    const headers = { 'content-type': 'application/json' };
    for (const operation of ['acs.token.issue', 'acs.identity.delete']) {
      emulator.fail({ operation, kind: 'status', status: 404, headers, body, times: 3 });
    }
    const responses = [
      await call('get', '/getToken').set('Cache-Control', 'no-cache'),
      await call('delete', '/api/user'),
    ];
    expect(responses.map(({ status }) => status)).toEqual([502, 502]);
    expect(identityIds()).toEqual([communicationUserId]);
    expect(mappingOf(emulator, user)?.acsUserIdentity).toBe(communicationUserId);
  });

  it('a user whose identity no longer exists can still be deleted', async () => {
    const { body } = await call('get', '/getToken');
    system.emulator.deleteIdentity(body.user.communicationUserId);
    expectDeleted(await call('delete', '/api/user'));
    expect(mappingOf(system.emulator, user)).toBeUndefined();
  });

  it('a server that loses the race for the mapping uses the existing one and deletes its own identity', async () => {
    const { emulator } = system;
    const first = await call('get', '/getToken');
    const second = await startReadyServer(system);
    // The second server reads before the first has written.
    const body = { id: user.objectId, extensions: [] };
    emulator.fail({ operation: 'graph.me', kind: 'status', status: 200, body });
    const made = await callsDuring(emulator, async () =>
      expectToken(await call('get', '/getToken', { on: second }), first.body.user.communicationUserId),
    );
    expect(made).toMatchObject({ ...created, 'graph.me': 2, 'acs.identity.delete': 1, 'acs.token.issue': 1 });
    onlyIdentity(first.body.user.communicationUserId);
  });
});

describe('while Graph returns stale reads', () => {
  /** Far more than a deletion needs, and far less than a loop without pauses would make. */
  const maxCalls = 60;
  const total = (made: Record<string, number>) => Object.values(made).reduce((sum, count) => sum + count, 0);

  it('a deletion completes without a flood of calls', async () => {
    const { emulator } = system;
    await call('get', '/getToken');
    emulator.switches.replicaLagInMs = 1_000 * timeScale;
    const made = await callsDuring(emulator, async () => expectDeleted(await call('delete', '/api/user')));
    expect({ identities: identityIds(), mapping: mappingOf(emulator, user) }).toEqual({
      identities: [],
      mapping: undefined,
    });
    expect(total(made)).toBeLessThan(maxCalls);
  });

  it('a mapping that can be read but not updated does not cause a flood of calls', async () => {
    const { emulator } = system;
    await call('get', '/getToken');
    emulator.fail({ operation: 'graph.extension.update', kind: 'status', status: 404, times: Infinity });
    const made = await callsDuring(emulator, () => call('delete', '/api/user'));
    expect(total(made)).toBeLessThan(maxCalls);
  });

  it('a new user has one identity, and gets a token for it on every server', async () => {
    const { emulator } = system;
    emulator.switches.replicaLagInMs = 1_000 * timeScale;
    const first = await call('get', '/getToken');
    expectToken(first);
    const second = await call('get', '/getToken', { on: await startReadyServer(system) });
    expectToken(second, first.body.user.communicationUserId);
    expect(identityIds()).toEqual([first.body.user.communicationUserId]);
  });
});
