import { timeScale } from '../support/fastTimings';
import { azuriteStartTimeoutInMs } from '../support/azurite';
import { mappingOf, setSealedMapping } from '../support/mappings';
import { startReadyServer } from '../support/readySystem';
import type { TestServer } from '../support/startSystem';
import { until } from '../support/until';
import { newCaller, startStoreSystem, type StepFault, type StoreSystem } from './storeSystems';

let system: StoreSystem;
/** An instance from before the move: it knows only Microsoft Graph. */
let old: TestServer;
beforeAll(async () => {
  system = await startStoreSystem('table_after_graph');
  await until(async () => (await system.call('get', '/health/ready')).status === 200);
  old = await startOld();
}, azuriteStartTimeoutInMs);
afterEach(() => {
  system.emulator.reset();
  system.proxy?.clear();
});
afterAll(() => system.stop());

const startOld = () => startReadyServer(system, { IDENTITY_STORE: 'graph', IDENTITY_STORE_FALLBACK: 'none' });
const idOf = ({ body }: { body: unknown }) =>
  (body as { user: { communicationUserId: string } }).user.communicationUserId;
const existingIds = () => system.emulator.identities().map(({ id }) => id);

/** A user whom the old instance has given an identity. */
async function oldUser() {
  const caller = newCaller(system);
  const id = idOf(await old.call('get', '/getToken', caller.token).expect(200));
  return { ...caller, id };
}

it('a user is moved on first use, with their identity, and Graph is not needed for them afterwards', async () => {
  const { user, token, id } = await oldUser();
  expect(idOf(await system.call('get', '/getToken', token).expect(200))).toBe(id);
  expect(await system.mappedIds()).toContain(id);
  expect(mappingOf(system.emulator, user)).toBeUndefined();

  const cold = await startReadyServer(system);
  const before = system.callsByService();
  expect(idOf(await cold.call('get', '/getToken', token).expect(200))).toBe(id);
  expect(system.callsByService()).toMatchObject({ graph: before.graph, table: (before.table ?? 0) + 1 });
});

it('GET /api/user shows an identity without moving it', async () => {
  const { user, token, id } = await oldUser();
  expect(idOf(await system.call('get', '/api/user', token).expect(200))).toBe(id);
  expect(mappingOf(system.emulator, user)).toBeDefined();
});

it('a new user is only in the table', async () => {
  const { user, token } = newCaller(system);
  const id = idOf(await system.call('get', '/getToken', token).expect(200));
  expect(await system.mappedIds()).toContain(id);
  expect(mappingOf(system.emulator, user)).toBeUndefined();
});

it('two instances that move a user at the same time keep the identity', async () => {
  const { user, token, id } = await oldUser();
  const slow = await startReadyServer(system);
  const inserts = () => system.proxy?.calls().POST ?? 0;
  const before = inserts();
  const release = system.proxy?.hold('POST');
  const second = slow.call('get', '/getToken', token).then((response) => response);
  await until(() => inserts() > before);
  expect(idOf(await system.call('get', '/getToken', token).expect(200))).toBe(id);
  release?.();
  expect(idOf(await second)).toBe(id);
  expect(await system.mappedIds()).toContain(id);
  expect(mappingOf(system.emulator, user)).toBeUndefined();
  expect(existingIds()).toEqual([id]);
});

describe('a request that looked for a user in the table just before another instance moved them there', () => {
  async function during<T>(token: string, work: (server: TestServer) => PromiseLike<T>): Promise<T> {
    const slow = await startReadyServer(system);
    const reply = system.proxy?.holdReply('GET');
    const result = work(slow).then((response) => response);
    await reply?.applied;
    await system.call('get', '/getToken', token).expect(200);
    reply?.release();
    return result;
  }

  it('finds their identity', async () => {
    const { token, id } = await oldUser();
    const found = await during(token, (server) => server.call('get', '/api/user', token).expect(200));
    expect(idOf(found)).toBe(id);
  });

  it('deletes their identity', async () => {
    const { user, token } = await oldUser();
    await during(token, (server) => server.call('delete', '/api/user', token).expect(204));
    await system.call('get', '/api/user', token).expect(404);
    expect(mappingOf(system.emulator, user)).toBeUndefined();
    expect(existingIds()).toEqual([]);
  });
});

describe('a user who is deleted', () => {
  it('does not get the deleted identity back from a replica of Graph that lags', async () => {
    const { token, id } = await oldUser();
    // Less than the time for which a stale read is repeated.
    system.emulator.switches.replicaLagInMs = 1_100 * timeScale;
    await system.call('delete', '/api/user', token).expect(204);
    const again = idOf(await system.call('post', '/api/user', token).expect(201));
    expect(again).not.toBe(id);
    expect(existingIds()).toEqual([again]);
  });

  it.each(['before they are moved', 'after they were moved'])(
    '%s has nothing left in either store',
    async (when) => {
      const { user, token } = await oldUser();
      if (when.startsWith('after')) await system.call('get', '/getToken', token).expect(200);
      await system.call('delete', '/api/user', token).expect(204);
      for (const server of [system, old]) await server.call('get', '/api/user', token).expect(404);
      expect(mappingOf(system.emulator, user)).toBeUndefined();
      expect(existingIds()).toEqual([]);
    },
  );
});

it('of two instances that delete an identity of another resource at the same time, none reports that it is deleted', async () => {
  const { user, token } = newCaller(system);
  const foreign = system.emulator.createForeignIdentity();
  setSealedMapping(system.emulator, user, foreign);
  await system.call('post', '/api/user', token).expect(200);
  const [first, second] = [await startReadyServer(system), await startReadyServer(system)];
  const reply = system.proxy?.holdReply('GET');
  const deletion = second.call('delete', '/api/user', token).then();
  await reply?.applied;
  await first.call('delete', '/api/user', token).expect(409);
  reply?.release();
  expect((await deletion).status).toBe(409);
  expect(await system.mappedIds()).toContain(foreign);
});

describe.each<[string, StepFault]>([
  ['POST', 'dropped'],
  ['POST', 'replyLost'],
  ['graph.extension.delete', 'dropped'],
  ['graph.extension.delete', 'replyLost'],
])('a move that ends at %s, %s', (step, fault) => {
  /** After the step, nothing that this server does has an effect, as after a crash. */
  async function crash(token: string): Promise<void> {
    const server = await startReadyServer(system);
    // The attempt and both retries.
    for (let attempt = 0; attempt < 3; attempt += 1) system.failStep(step, fault);
    await server.call('get', '/getToken', token);
    system.proxy?.clear();
  }

  it('leaves the user with the same identity, on old and new instances', async () => {
    const { token, id } = await oldUser();
    await crash(token);
    for (const server of [await startReadyServer(system), await startReadyServer(system)])
      expect(idOf(await server.call('get', '/getToken', token).expect(200))).toBe(id);
    expect(existingIds()).toEqual([id]);
  });

  it('does not prevent deleting the user', async () => {
    const { user, token } = await oldUser();
    await crash(token);
    await system.call('delete', '/api/user', token).expect(204);
    await system.call('get', '/api/user', token).expect(404);
    expect(mappingOf(system.emulator, user)).toBeUndefined();
    expect(existingIds()).toEqual([]);
  });
});

describe('an old instance running with the new ones', () => {
  it('continues with the identity in its memory', async () => {
    const { token, id } = await oldUser();
    expect(idOf(await system.call('get', '/getToken', token).expect(200))).toBe(id);
    const again = await old.call('get', '/getToken', token).set('Cache-Control', 'no-cache').expect(200);
    expect(idOf(again)).toBe(id);
  });

  it('gives a moved user who is not in its memory a second identity, which is deleted with the first', async () => {
    const { token, id } = await oldUser();
    await system.call('get', '/getToken', token).expect(200);
    const cold = await startOld();
    expect(idOf(await cold.call('get', '/getToken', token).expect(200))).not.toBe(id);
    expect(idOf(await system.call('get', '/api/user', token).expect(200))).toBe(id);
    await system.call('delete', '/api/user', token).expect(204);
    await system.call('get', '/api/user', token).expect(404);
    expect(existingIds()).toEqual([]);
  });

  it('may leave a deletion unfinished: nothing is left once a new one deletes the user', async () => {
    const { user, token } = await oldUser();
    const isolated = await startReadyServer(system);
    for (let attempt = 0; attempt < 3; attempt += 1) system.failStep('graph.extension.delete', 'dropped');
    expect(idOf(await isolated.call('get', '/getToken', token).expect(200))).toEqual(existingIds()[0]);
    system.emulator.fail({ operation: 'acs.identity.delete', kind: 'status', status: 500, times: 3 });
    await old.call('delete', '/api/user', token).expect(503);
    await system.call('delete', '/api/user', token).expect(204);
    expect(mappingOf(system.emulator, user)).toBeUndefined();
    expect(existingIds()).toEqual([]);
  });

  it('may delete a user while a new one moves them: nothing is left once they are deleted', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { user, token } = await oldUser();
      const server = await startReadyServer(system);
      await Promise.all([
        server.call('get', '/getToken', token),
        old.call('delete', '/api/user', token),
        server.call('get', '/api/user', token),
      ]);
      await server.call('get', '/getToken', token).expect(200);
      await server.call('delete', '/api/user', token).expect(204);
      await server.call('get', '/api/user', token).expect(404);
      expect(mappingOf(system.emulator, user)).toBeUndefined();
      expect(existingIds()).toEqual([]);
    }
  });
});
