import { randomBytes } from 'node:crypto';
import { callsDuring } from '../support/calls';
import { mappingOf } from '../support/mappings';
import { startSystem, type System, type TestServer } from '../support/startSystem';

const oldKey = randomBytes(32).toString('base64');
const newKey = randomBytes(32).toString('base64');

let system: System;
let servers: Record<'before' | 'both' | 'rotated' | 'after', TestServer>;
beforeAll(async () => {
  system = await startSystem({ IDENTITY_MAPPING_KEY: oldKey, TOKEN_REUSE_MINUTES: '0' });
  servers = {
    before: system,
    both: await system.startAnother({ IDENTITY_MAPPING_KEY: `${oldKey},${newKey}` }),
    rotated: await system.startAnother({ IDENTITY_MAPPING_KEY: `${newKey},${oldKey}` }),
    after: await system.startAnother({ IDENTITY_MAPPING_KEY: newKey }),
  };
});
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const newUser = () => {
  const user = system.emulator.addUser();
  return { user, accessToken: system.emulator.accessToken({ user }) };
};

describe('rotating the key that seals mappings', () => {
  it('keeps the identity of a user through each step, on any instance', async () => {
    const { accessToken } = newUser();
    const ids = new Set<string>();
    const steps = ['before', 'both', 'before', 'both', 'rotated', 'both', 'rotated', 'after'] as const;
    for (const step of steps) {
      const response = await servers[step].call('get', '/api/token', accessToken);
      expect({ step, status: response.status }).toEqual({ step, status: 200 });
      ids.add(response.body.user.communicationUserId as string);
    }
    expect([...ids]).toHaveLength(1);
    expect(system.emulator.identities().map(({ id }) => id)).toEqual([...ids]);
  });

  it('seals a mapping with the new key on its next use, with one write and no extra read', async () => {
    const { user, accessToken } = newUser();
    await servers.before.call('get', '/api/token', accessToken);
    const oldSeal = mappingOf(system.emulator, user)?.seal;
    const first = await callsDuring(system.emulator, () =>
      servers.rotated.call('get', '/api/token', accessToken),
    );
    expect(first).toEqual({
      'entra.token.on_behalf_of': 1,
      'graph.me': 1,
      'graph.extension.update': 1,
      'acs.token.issue': 1,
    });
    expect(mappingOf(system.emulator, user)?.seal).not.toBe(oldSeal);
    const warm = await callsDuring(system.emulator, () =>
      servers.rotated.call('get', '/api/token', accessToken),
    );
    expect(warm).toEqual({ 'acs.token.issue': 1 });
  });

  it('does not reseal the mapping of a user who is only read or deleted', async () => {
    const { user, accessToken } = newUser();
    await servers.before.call('post', '/api/user', accessToken);
    const seal = mappingOf(system.emulator, user)?.seal;
    expect((await servers.rotated.call('get', '/api/user', accessToken)).status).toBe(200);
    expect(mappingOf(system.emulator, user)?.seal).toBe(seal);
    expect((await servers.rotated.call('delete', '/api/user', accessToken)).status).toBe(204);
    expect(system.emulator.identities()).toEqual([]);
  });

  it('issues the token although the write with the new key fails', async () => {
    const { accessToken } = newUser();
    await servers.before.call('post', '/api/user', accessToken);
    system.emulator.fail({ operation: 'graph.extension.update', kind: 'status', status: 403, times: 1 });
    expect((await servers.rotated.call('get', '/api/token', accessToken)).status).toBe(200);
  });

  it('rejects mappings sealed with a key that is no longer listed', async () => {
    const { accessToken } = newUser();
    await servers.before.call('post', '/api/user', accessToken);
    const response = await servers.after.call('get', '/api/token', accessToken);
    expect(response.status).toBe(409);
    expect(response.body.error).toMatchObject({
      code: 'mapping_not_trusted',
      innererror: { code: 'seal_broken' },
    });
  });
});
