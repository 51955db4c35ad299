import { azuriteStartTimeoutInMs } from '../support/azurite';
import { startReadyServer } from '../support/readySystem';
import type { TestServer } from '../support/startSystem';
import { until } from '../support/until';
import {
  newCaller,
  startStoreSystem,
  type StepFault,
  type StoreName,
  type StoreSystem,
} from './storeSystems';

type TestedStore = Exclude<StoreName, 'table_after_graph'>;
const stores: TestedStore[] = ['graph', 'table', 'acs'];
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

interface UserBody {
  user: { communicationUserId: string };
}
const idOf = ({ body }: { body: unknown }) => (body as UserBody).user.communicationUserId;

/** Calls to Entra, Graph, ACS and the table, by request. */
const costs: Record<TestedStore, Record<'new' | 'known' | 'again' | 'post' | 'find' | 'delete', number[]>> = {
  graph: {
    new: [1, 2, 1, 0],
    known: [1, 1, 1, 0],
    again: [0, 0, 1, 0],
    post: [1, 2, 1, 0],
    find: [1, 1, 0, 0],
    delete: [1, 4, 1, 0],
  },
  table: {
    new: [0, 0, 1, 2],
    known: [0, 0, 1, 1],
    again: [0, 0, 1, 0],
    post: [0, 0, 1, 2],
    find: [0, 0, 0, 1],
    delete: [0, 0, 1, 3],
  },
  acs: {
    new: [0, 0, 1, 0],
    known: [0, 0, 1, 0],
    again: [0, 0, 1, 0],
    post: [0, 0, 2, 0],
    find: [0, 0, 1, 0],
    delete: [0, 0, 2, 0],
  },
};

/** The steps of a new user's first token, and which of them may orphan an identity if the reply is lost. */
const steps: Record<TestedStore, { step: string; mayLeaveOrphan?: true }[]> = {
  graph: [
    { step: 'entra.token' },
    { step: 'graph.me' },
    { step: 'acs.identity.create', mayLeaveOrphan: true },
    { step: 'graph.extension.create' },
  ],
  table: [{ step: 'GET' }, { step: 'acs.identity.create', mayLeaveOrphan: true }, { step: 'POST' }],
  acs: [{ step: 'acs.identity.create' }],
};

describe.each(stores)('with the identity store %s', (store) => {
  let system: StoreSystem;
  let other: TestServer;
  beforeAll(async () => {
    system = await startStoreSystem(store);
    await until(async () => (await system.call('get', '/health/ready')).status === 200);
    other = await startReadyServer(system);
  }, azuriteStartTimeoutInMs);
  afterEach(() => {
    system.emulator.reset();
    system.proxy?.clear();
  });
  afterAll(() => system.stop());

  /** Every mapping names an existing identity, and every existing identity that was used has a mapping. */
  async function expectNothingDangling(): Promise<void> {
    const unused = store === 'acs' ? 1 : 0;
    const existing = system.emulator
      .identities()
      .filter((identity) => unused === 0 || identity.lastTokenIssuedAt !== undefined)
      .map(({ id }) => id);
    const mapped = new Set(await system.mappedIds());
    expect(existing.filter((id) => !mapped.has(id))).toEqual([]);
  }

  it('an identity is created, found on every server, deleted, and created again', async () => {
    const { token } = newCaller(system);
    await system.call('get', '/api/user', token).expect(404);
    const id = idOf(await system.call('get', '/getToken', token).expect(200));
    for (const server of [system, other]) {
      expect(idOf(await server.call('get', '/api/user', token).expect(200))).toBe(id);
      expect(idOf(await server.call('post', '/api/user', token).expect(200))).toBe(id);
      expect(idOf(await server.call('get', '/getToken', token).expect(200))).toBe(id);
    }
    await other.call('delete', '/api/user', token).expect(204);
    expect(system.emulator.identities().map((identity) => identity.id)).not.toContain(id);
    for (const server of [system, other]) await server.call('get', '/api/user', token).expect(404);
    await system.call('delete', '/api/user', token).expect(204);
    await expectNothingDangling();
    const again = await system.call('get', '/getToken', token).expect(200);
    expect(idOf(again)).not.toBe(id);
    await expectNothingDangling();
  });

  it('POST /api/user creates once, and the first token is for that identity', async () => {
    const { token } = newCaller(system);
    const id = idOf(await system.call('post', '/api/user', token).expect(201));
    expect(idOf(await other.call('post', '/api/user', token).expect(200))).toBe(id);
    expect(idOf(await other.call('get', '/getToken', token).expect(200))).toBe(id);
  });

  it('every user has a separate identity', async () => {
    const responses = await Promise.all(
      times(5, () => system.call('get', '/getToken', newCaller(system).token)),
    );
    expect(new Set(responses.map(idOf)).size).toBe(5);
  });

  it('each request costs the documented calls', async () => {
    const counts = () => {
      const calls = system.callsByService();
      return ['entra', 'graph', 'acs', 'table'].map((service) => calls[service] ?? 0);
    };
    type Work = (server: TestServer, token: string) => PromiseLike<unknown>;
    const during = async (work: Work, { known }: { known: boolean }, server?: TestServer) => {
      const { token } = newCaller(system);
      if (known) await system.call('get', '/getToken', token).expect(200);
      const target = server ?? (await startReadyServer(system));
      const before = counts();
      await work(target, token);
      return counts().map((count, index) => count - (before[index] ?? 0));
    };
    const getToken: Work = (server, token) => server.call('get', '/getToken', token);
    const post: Work = (server, token) => server.call('post', '/api/user', token);
    const find: Work = (server, token) => server.call('get', '/api/user', token);
    const deletion: Work = (server, token) => server.call('delete', '/api/user', token);
    expect({
      new: await during(getToken, { known: false }),
      known: await during(getToken, { known: true }),
      again: await during(getToken, { known: true }, system),
      post: await during(post, { known: false }),
      find: await during(find, { known: true }),
      delete: await during(deletion, { known: true }),
    }).toEqual(costs[store]);
  });

  it('50 concurrent first calls on two servers end with one identity', async () => {
    const { token } = newCaller(system);
    const responses = await Promise.all(
      times(50, (index) => (index % 2 === 0 ? system : other).call('get', '/getToken', token)),
    );
    expect(responses.map(({ status }) => status)).toEqual(times(50, () => 200));
    expect(new Set(responses.map(idOf)).size).toBe(1);
    await until(() => system.emulator.identities().length === 1);
    await expectNothingDangling();
  });

  it('concurrent tokens and deletions of one user on two servers leave no orphan', async () => {
    const { token } = newCaller(system);
    const calls = times(24, (index) => {
      const server = index % 2 === 0 ? system : other;
      return index % 3 === 0
        ? server.call('delete', '/api/user', token)
        : server.call('get', '/getToken', token);
    });
    const responses = await Promise.all(calls);
    expect(responses.filter(({ status }) => status >= 500).map(({ body }) => body as unknown)).toEqual([]);
    await system.call('delete', '/api/user', token).expect(204);
    for (const server of [system, other]) await server.call('get', '/api/user', token).expect(404);
    await expectNothingDangling();
  });

  it('an identity that was deleted in ACS is replaced', async () => {
    const { token } = newCaller(system);
    const id = idOf(await system.call('get', '/getToken', token).expect(200));
    system.emulator.deleteIdentity(id);
    const next = idOf(await system.call('get', '/getToken', token).expect(200));
    expect(next).not.toBe(id);
    expect(idOf(await other.call('get', '/api/user', token).expect(200))).toBe(next);
  });

  const addStep = { graph: 'graph.extension.create', table: 'POST', acs: undefined }[store];
  if (addStep) {
    it('a mapping whose add was applied but failed is not added again once its identity is deleted', async () => {
      const { token } = newCaller(system);
      const server = await startReadyServer(system);
      system.failStep(addStep, 'replyLost');
      const first = server.call('get', '/getToken', token).then();
      const existingIds = () => system.emulator.identities().map(({ id }) => id);
      await until(async () => (await system.mappedIds()).some((id) => existingIds().includes(id)));
      await other.call('delete', '/api/user', token).expect(204);
      expect((await first).status).toBe(200);
      const found = await other.call('get', '/api/user', token);
      expect(found.status === 404 || existingIds().includes(idOf(found))).toBe(true);
    });
  }

  if (store === 'table') {
    it('nor is it in a row that an earlier request reserved', async () => {
      const { token } = newCaller(system);
      const existingIds = () => system.emulator.identities().map(({ id }) => id);
      // Each attempt to add the first mapping fails, so its identity is deleted, and the row is reserved.
      system.proxy?.fail('dropped', 'POST', 3);
      await system.call('get', '/getToken', token).expect(503);
      await until(() => existingIds().length === 0);

      const reply = system.proxy?.holdReply('PUT');
      const second = system.call('get', '/getToken', token).then();
      await reply?.applied;
      await other.call('delete', '/api/user', token).expect(204);
      reply?.lose();
      const id = idOf(await second);
      expect(existingIds()).toEqual([id]);
      expect(await system.mappedIds()).toContain(id);
    });
  }

  describe.each(steps[store])('a first call whose $step', ({ step, mayLeaveOrphan }) => {
    it.each<StepFault>(['dropped', 'throttled', 'replyLost'])('is %s is served', async (fault) => {
      if (fault === 'replyLost' && mayLeaveOrphan) return;
      const { token } = newCaller(system);
      const server = await startReadyServer(system);
      system.failStep(step, fault);
      const first = await server.call('get', '/getToken', token);
      // A dropped connection may have carried the request: creating without a custom id is not repeated then.
      if (fault === 'dropped' && mayLeaveOrphan) expect([200, 503]).toContain(first.status);
      else expect(first.status).toBe(200);
      const id = idOf(await server.call('get', '/getToken', token).expect(200));
      await until(() => system.emulator.identities().length === 1);
      expect(await system.mappedIds()).toContain(id);
    });
  });
});
