import type { Switches } from '../../emulator/switches';
import { createEntraUser } from '../../src/authentication/entra/entraProvider';
import { customIdOf } from '../../src/identities/customId/customId';
import { startReadyServer } from '../support/readySystem';
import { newCaller, startStoreSystem, type StoreSystem } from './storeSystems';

let system: StoreSystem;
beforeAll(async () => {
  system = await startStoreSystem('acs');
});
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

it('says at the start that it is a preview', async () => {
  const server = await startReadyServer(system);
  expect(server.rawLog.filter((line) => line.includes('IDENTITY_STORE=acs is a preview'))).toHaveLength(1);
});

it('ACS learns no id of the directory', async () => {
  const { user, token } = newCaller(system);
  await system.call('get', '/getToken', token).expect(200);
  const sent = JSON.stringify(
    system.emulator.requests().filter(({ operation }) => operation.startsWith('acs.')),
  );
  expect(sent).not.toContain(user.objectId);
  const [identity] = system.emulator.identities();
  const claims = { tid: system.emulator.tenantId, oid: user.objectId };
  const key = Buffer.from(system.emulator.settings().IDENTITY_MAPPING_KEY ?? '', 'base64');
  expect(identity?.customId).toBe(
    customIdOf(createEntraUser({ jwt: { header: {}, claims }, accessToken: '', accessTokenHash: '' }), key),
  );
});

it('another key gives another identity', async () => {
  const { token } = newCaller(system);
  const otherKey = Buffer.alloc(32, 'another key').toString('base64');
  const other = await startReadyServer(system, { IDENTITY_MAPPING_KEY: otherKey });
  await system.call('get', '/getToken', token).expect(200);
  await other.call('get', '/api/user', token).expect(404);
});

describe.each<[string, Partial<Switches>]>([
  ['201 for an existing identity', { existingCustomIdStatus: 201 }],
  ['200 for an existing identity', { existingCustomIdStatus: 200 }],
  ['a new identity for the custom id of a deleted one', { deletedCustomId: 'new_identity' }],
  ['the old identity for the custom id of a deleted one', { deletedCustomId: 'old_identity' }],
  ['204 for the deletion of a deleted identity', { deleteOfDeletedIdentityStatus: 204 }],
  ['404 for the deletion of a deleted identity', { deleteOfDeletedIdentityStatus: 404 }],
])('when ACS returns %s', (_, switches) => {
  beforeEach(() => void Object.assign(system.emulator.switches, switches));

  it('an identity counts as existing from its first token until it is deleted', async () => {
    const { token } = newCaller(system);
    for (let round = 0; round < 2; round += 1) {
      for (let look = 0; look < 2; look += 1) await system.call('get', '/api/user', token).expect(404);
      await system.call('post', '/api/user', token).expect(201);
      await system.call('post', '/api/user', token).expect(200);
      await system.call('get', '/api/user', token).expect(200);
      await system.call('get', '/getToken', token).expect(200);
      for (let repeat = 0; repeat < 2; repeat += 1)
        await system.call('delete', '/api/user', token).expect(204);
    }
    await system.call('get', '/api/user', token).expect(404);
  });
});

it('when ACS makes no new identity for a custom id, the response says so', async () => {
  system.emulator.switches.deletedCustomId = 'gone';
  const { token } = newCaller(system);
  await system.call('get', '/getToken', token).expect(200);
  await system.call('delete', '/api/user', token).expect(204);
  await system.call('get', '/api/user', token).expect(404);
  await system.call('delete', '/api/user', token).expect(204);
  for (const path of ['/api/token', '/api/user']) {
    const { status, body } = await system.call('post', path, token);
    expect({ status, error: (body as { error: unknown }).error }).toEqual({
      status: 502,
      error: expect.objectContaining({
        code: 'upstream_refused',
        message: expect.stringContaining('was deleted'),
        innererror: { code: 'custom_id_gone' },
      }),
    });
  }
});

describe('the custom id in the reply', () => {
  const getToken = (customId: unknown, token: string) => {
    const { emulator } = system;
    const identity = { id: emulator.createIdentity(), customId };
    const accessToken = { token: 'token-of-that-identity', expiresOn: '2099-01-01T00:00:00.0000000+00:00' };
    const body = JSON.stringify({ identity, accessToken });
    emulator.fail({ operation: 'acs.identity.create', kind: 'malformed', body });
    return system.call('get', '/getToken', token);
  };

  it("is another user's: their identity is not handed out", async () => {
    const { token } = newCaller(system);
    const response = await getToken('custom-id-of-someone-else', token);
    expect([response.status, response.body.error?.code]).toEqual([502, 'upstream_invalid_response']);
    expect(response.text).not.toContain('token-of-that-identity');
    await system.call('get', '/api/user', token).expect(404);
  });

  // The schema of ACS does not require it.
  it.each([undefined, null])('may be absent (%p)', async (customId) => {
    await getToken(customId, newCaller(system).token).expect(200);
  });
});
