import type { User } from '../../emulator/startEmulator';
import { type ApiResponse, expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { extensionName, mappingOf, setSealedMapping } from '../support/mappings';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

/** Users and many apps can write to the mapping: these tests show how the server treats what it finds there. */
let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

interface Party {
  user: User;
  id: string;
  mapping: Record<string, unknown>;
}

/** A user with an identity, mapped and sealed by the server. */
async function mappedUser(): Promise<Party> {
  const { emulator } = system;
  const user = emulator.addUser();
  const response = await call(system, 'get', '/getToken', user);
  expect(response.status).toBe(200);
  return { user, id: response.body.user.communicationUserId, mapping: mappingOf(emulator, user) ?? {} };
}

function call(server: TestServer, method: 'get' | 'post' | 'delete', path: string, user: User) {
  return server.call(method, path, system.emulator.accessToken({ user }));
}

/** The identity that a communication token is for. */
function identityIn(token: string): string {
  const [, claims = ''] = token.split('.');
  const { skypeid } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { skypeid: string };
  return `8:${skypeid}`;
}

const identityIds = () => system.emulator.identities().map(({ id }) => id);

function expectUntrusted(response: ApiResponse, code: 'seal_broken' | 'seal_missing'): void {
  expectError(response, { status: 409, code: 'mapping_not_trusted', innererror: { code } });
}

const read = { 'entra.token.on_behalf_of': 1, 'graph.me': 1 };

/** What an attacker can write to their own entry if they know both mappings. */
const forgeries: [string, (victim: Party, attacker: Party) => Record<string, unknown>][] = [
  ["a copy of the victim's mapping", (victim) => victim.mapping],
  [
    "the victim's identity with the attacker's own seal",
    (victim, attacker) => ({ ...attacker.mapping, acsUserIdentity: victim.id }),
  ],
  [
    "the attacker's identity with the victim's seal",
    (victim, attacker) => ({ ...attacker.mapping, seal: victim.mapping.seal }),
  ],
  ["the victim's identity with an empty seal", (victim) => ({ ...victim.mapping, seal: '' })],
  ["the victim's identity with a seal that is a number", (victim) => ({ ...victim.mapping, seal: 0 })],
  ["the victim's identity with a seal that is null", (victim) => ({ ...victim.mapping, seal: null })],
  [
    "the victim's identity with an array of seals",
    (victim) => ({ ...victim.mapping, seal: [victim.mapping.seal] }),
  ],
  [
    "the victim's identity with a truncated seal",
    (victim) => ({ ...victim.mapping, seal: String(victim.mapping.seal).slice(0, 8) }),
  ],
  ["the victim's identity with a seal, and no version", (victim) => omit(victim.mapping, 'sealVersion')],
  ["the victim's identity with a version, and no seal", (victim) => omit(victim.mapping, 'seal')],
  ['another version of the seal', (_, attacker) => ({ ...attacker.mapping, sealVersion: 0 })],
  ['a version that is a string', (_, attacker) => ({ ...attacker.mapping, sealVersion: '1' })],
  ['a deletion that was never started', (_, attacker) => ({ ...attacker.mapping, deletion: 'server/claim' })],
  ['a deletion without a name', (_, attacker) => ({ ...attacker.mapping, deletion: true })],
  [
    "a deletion of the victim's identity",
    (victim) => ({ acsUserIdentity: victim.id, deletion: 'server/claim' }),
  ],
  ["a deletion of the victim's mapping", (victim) => ({ ...victim.mapping, deletion: 'server/claim' })],
  ['no identity', (_, attacker) => omit(attacker.mapping, 'acsUserIdentity')],
  ['an empty identity', (_, attacker) => ({ ...attacker.mapping, acsUserIdentity: '' })],
  ['an array of identities', (victim, attacker) => ({ ...attacker.mapping, acsUserIdentity: [victim.id] })],
  ['nothing at all', () => ({})],
];

function omit(from: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => key !== name));
}

describe.each(['reject', 'adopt'])('with IDENTITY_MAPPING_UNSIGNED=%s', (unsigned) => {
  it.each(forgeries)('a forged mapping is rejected: %s', async (_, forge) => {
    const { emulator } = system;
    const [victim, attacker] = [await mappedUser(), await mappedUser()];
    const forged = { ...omit(omit(forge(victim, attacker), 'id'), '@odata.type'), extensionName };
    emulator.setExtension(attacker.user.objectId, forged);
    const server = await startReadyServer(system, { IDENTITY_MAPPING_UNSIGNED: unsigned });
    const before = mappingOf(emulator, attacker.user);

    const made = await callsDuring(emulator, async () => {
      expectUntrusted(await call(server, 'get', '/getToken', attacker.user), 'seal_broken');
    });
    expect(made).toEqual(read);
    for (const method of ['get', 'post'] as const) {
      expectUntrusted(await call(server, method, '/api/user', attacker.user), 'seal_broken');
    }
    expect(mappingOf(emulator, attacker.user)).toEqual(before);

    // Deleting removes the forged mapping, but not the identity that it names.
    const deletion = await callsDuring(emulator, async () => {
      expect((await call(server, 'delete', '/deleteUser', attacker.user)).status).toBe(204);
    });
    expect(deletion).toEqual({ 'graph.me': 1, 'graph.extension.delete': 1, 'entra.token.on_behalf_of': 1 });
    expect(mappingOf(emulator, attacker.user)).toBeUndefined();
    expect(identityIds()).toContain(victim.id);

    // The attacker is then a new user, and the victim is not affected.
    const renewed = await call(server, 'get', '/getToken', attacker.user);
    expect(renewed.status).toBe(200);
    expect([victim.id, attacker.id]).not.toContain(renewed.body.user.communicationUserId);
    const served = await call(server, 'get', '/getToken', victim.user);
    expect(served.body.user.communicationUserId).toBe(victim.id);
    expect(identityIn(served.body.token)).toBe(victim.id);
  });
});

it('never uses the id of an unsigned mapping by default, not even the right one', async () => {
  const { emulator } = system;
  const [victim, attacker] = [await mappedUser(), await mappedUser()];
  const server = await startReadyServer(system);
  for (const id of [victim.id, attacker.id]) {
    emulator.setExtension(attacker.user.objectId, { extensionName, acsUserIdentity: id });
    expectUntrusted(await call(server, 'get', '/getToken', attacker.user), 'seal_missing');
    expectUntrusted(await call(server, 'get', '/api/user', attacker.user), 'seal_missing');
    expect((await call(server, 'delete', '/api/user', attacker.user)).status).toBe(204);
    expect(mappingOf(emulator, attacker.user)).toBeUndefined();
  }
  expect(identityIds()).toEqual(expect.arrayContaining([victim.id, attacker.id]));
  expect(emulator.callsTo('acs.identity.delete')).toBe(0);
});

it('ignores extensions with other names', async () => {
  const { emulator } = system;
  const victim = await mappedUser();
  const user = emulator.addUser();
  for (const name of [`${extensionName}2`, `x.${extensionName}`]) {
    emulator.setExtension(user.objectId, { extensionName: name, acsUserIdentity: victim.id });
  }
  const response = await call(system, 'get', '/getToken', user);
  expect(response.status).toBe(200);
  expect(response.body.user.communicationUserId).not.toBe(victim.id);
});

it('rejects mappings that were sealed with another key', async () => {
  const { user, id } = await mappedUser();
  const otherKey = Buffer.alloc(32, 7).toString('base64');
  const server = await startReadyServer(system, { IDENTITY_MAPPING_KEY: otherKey });
  expectUntrusted(await call(server, 'get', '/getToken', user), 'seal_broken');
  expect((await call(server, 'delete', '/api/user', user)).status).toBe(204);
  expect(identityIds()).toContain(id);
});

it('issues tokens for the cached identity after the mapping is overwritten', async () => {
  const { emulator } = system;
  const server = await startReadyServer(system, { TOKEN_REUSE_MINUTES: '0' });
  const victim = await mappedUser();
  const attacker = emulator.addUser();
  const first = await call(server, 'get', '/getToken', attacker);
  emulator.setExtension(attacker.objectId, { ...omit(victim.mapping, 'id'), extensionName });
  const second = await call(server, 'get', '/getToken', attacker);
  expect(identityIn(second.body.token)).toBe(first.body.user.communicationUserId);
  expectUntrusted(await call(server, 'get', '/api/user', attacker), 'seal_broken');
});

it('gives a new identity to a user who restores the mapping of a deleted one', async () => {
  const { emulator } = system;
  const { user, id, mapping } = await mappedUser();
  expect((await call(system, 'delete', '/api/user', user)).status).toBe(204);
  emulator.setExtension(user.objectId, { ...omit(mapping, 'id'), extensionName });
  const response = await call(system, 'get', '/getToken', user);
  expect(response.status).toBe(200);
  expect(response.body.user.communicationUserId).not.toBe(id);
  expect(identityIds()).toEqual([response.body.user.communicationUserId]);
  expect(mappingOf(emulator, user)?.acsUserIdentity).toBe(response.body.user.communicationUserId);
});

describe('with IDENTITY_MAPPING_UNSIGNED=adopt, a mapping of the original sample', () => {
  const adopting = () => startReadyServer(system, { IDENTITY_MAPPING_UNSIGNED: 'adopt' });
  let user: User;
  let id: string;
  beforeEach(() => {
    user = system.emulator.addUser();
    id = system.emulator.createIdentity();
    system.emulator.setExtension(user.objectId, { extensionName, acsUserIdentity: id });
  });

  it('is sealed on its first use, and then works without the setting', async () => {
    const { emulator } = system;
    const server = await adopting();
    const made = await callsDuring(emulator, async () => {
      const response = await call(server, 'get', '/getToken', user);
      expect(response.body.user).toEqual({ communicationUserId: id });
      expect(identityIn(response.body.token)).toBe(id);
    });
    expect(made).toEqual({ ...read, 'graph.extension.update': 1, 'acs.token.issue': 1 });
    expect(mappingOf(emulator, user)).toMatchObject({
      acsUserIdentity: id,
      sealVersion: 1,
      seal: expect.any(String),
    });
    const strict = await startReadyServer(system);
    expect((await call(strict, 'get', '/getToken', user)).body.user).toEqual({ communicationUserId: id });
  });

  it('is returned by GET /api/user and not changed', async () => {
    const { emulator } = system;
    const server = await adopting();
    const made = await callsDuring(emulator, async () => {
      const response = await call(server, 'get', '/api/user', user);
      expect(response.body).toEqual({ user: { communicationUserId: id } });
    });
    expect(made).toEqual(read);
  });

  it('is deleted together with its identity', async () => {
    const server = await adopting();
    expect((await call(server, 'delete', '/api/user', user)).status).toBe(204);
    expect(identityIds()).toEqual([]);
    expect(mappingOf(system.emulator, user)).toBeUndefined();
  });
});

describe('an identity of another Communication Services resource', () => {
  let user: User;
  let foreign: string;
  beforeEach(() => {
    user = system.emulator.addUser();
    foreign = system.emulator.createForeignIdentity();
    setSealedMapping(system.emulator, user, foreign);
  });

  const refused = { status: 409, code: 'mapping_of_other_resource' } as const;

  it.each<[string, () => Promise<TestServer>]>([
    ['before the server knows its own resource', () => startReadyServer(system)],
    [
      'when the server knows its own resource',
      async () => {
        const server = await startReadyServer(system);
        await call(server, 'get', '/getToken', system.emulator.addUser());
        return server;
      },
    ],
  ])('is not used, replaced or deleted, %s', async (_, start) => {
    const { emulator } = system;
    const server = await start();
    const [mapping, identities] = [mappingOf(emulator, user), identityIds()];
    expectError(await call(server, 'get', '/getToken', user), refused);
    expectError(await call(server, 'delete', '/api/user', user), refused);
    expectError(await call(server, 'get', '/getToken', user), refused);
    expect(mappingOf(emulator, user)).toEqual(mapping);
    expect(identityIds()).toEqual(identities);
  });

  it('is detected without creating an identity once the server knows its own resource', async () => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    await call(server, 'get', '/getToken', emulator.addUser());
    const made = await callsDuring(emulator, async () =>
      expectError(await call(server, 'get', '/getToken', user), refused),
    );
    expect(made).toEqual({ 'entra.token.on_behalf_of': 1, 'graph.me': 2, 'acs.token.issue': 1 });
  });

  it('gives an error that names the setting to check', async () => {
    const { body } = await call(system, 'get', '/getToken', user);
    expect(body.error.message).toContain('COMMUNICATION_SERVICES_CONNECTION_STRING');
  });

  it('is detected by its format if it contains no resource id', async () => {
    const { emulator } = system;
    setSealedMapping(emulator, user, '8:spool:someone');
    const mapping = mappingOf(emulator, user);
    expectError(await call(system, 'get', '/getToken', user), refused);
    expectError(await call(system, 'delete', '/api/user', user), refused);
    expect(mappingOf(emulator, user)).toEqual(mapping);
    expect(identityIds()).toEqual([]);
  });

  it('differs from an identity of this resource that ACS does not know: that one is replaced', async () => {
    const { emulator } = system;
    const own = emulator.createIdentity();
    emulator.deleteIdentity(own);
    setSealedMapping(emulator, user, own);
    emulator.fail({
      operation: 'acs.token.issue',
      kind: 'status',
      status: 401,
      body: {
        error: { code: 'IdentityNotOwned', message: "Provided identity doesn't belong to the resource." },
      },
    });
    const response = await call(await startReadyServer(system), 'get', '/getToken', user);
    expect(response.status).toBe(200);
    expect(response.body.user.communicationUserId).not.toBe(own);
    expect(identityIds()).toEqual([response.body.user.communicationUserId]);
  });
});
