import { azuriteStartTimeoutInMs } from '../support/azurite';
import { startReadyServer } from '../support/readySystem';
import type { TestServer } from '../support/startSystem';
import { until } from '../support/until';
import { newCaller, startStoreSystem, type StoreSystem } from './storeSystems';

const boundInMs = 1_000;

/** The service that a check calls. */
const checks = { table: 'table', acs: 'acs' } as const;

describe.each(['table', 'acs'] as const)('with the identity store %s, a reused token', (store) => {
  let system: StoreSystem;
  let other: TestServer;
  const settings = { TOKEN_REUSE_MINUTES: '15', TOKEN_REUSE_CHECK_SECONDS: String(boundInMs / 1_000) };
  beforeAll(async () => {
    system = await startStoreSystem(store, settings);
    await until(async () => (await system.call('get', '/health/ready')).status === 200);
    other = await startReadyServer(system);
  }, azuriteStartTimeoutInMs);
  afterEach(() => {
    system.emulator.reset();
    system.proxy?.clear();
  });
  afterAll(() => system.stop());

  async function getToken(server: TestServer, token: string) {
    const startedAt = performance.now();
    const { body } = await server.call('get', '/getToken', token).expect(200);
    return { startedAt, id: body.user.communicationUserId as string, token: body.token as string };
  }

  const callsToCheck = () => system.callsByService()[checks[store]] ?? 0;

  /** Waits until a token that was confirmed before `since` must be checked. */
  const untilBound = (since: number) => until(() => Promise.resolve(performance.now() - since > boundInMs));

  it('of an identity that another instance has deleted is not returned beyond the bound', async () => {
    const { token } = newCaller(system);
    const first = await getToken(system, token);
    await other.call('delete', '/api/user', token).expect(204);
    const deletedAt = performance.now();
    const later = [];
    do later.push(await getToken(system, token));
    while (later.at(-1)?.id === first.id);
    const revoked = later.filter(({ id }) => id === first.id);
    expect(revoked.filter(({ startedAt }) => startedAt - deletedAt > boundInMs)).toEqual([]);
    expect(system.emulator.identities().map(({ id }) => id)).toContain(later.at(-1)?.id);
  });

  it('costs no call within the bound, and one beyond it, however many requests there are', async () => {
    const { token } = newCaller(system);
    const issued = await getToken(system, token);
    const before = callsToCheck();
    const immediate = await getToken(system, token);
    if (performance.now() - issued.startedAt < boundInMs) expect(callsToCheck() - before).toBe(0);
    expect(immediate.token).toBe(issued.token);

    await untilBound(performance.now());
    const beforeCheck = callsToCheck();
    const startedAt = performance.now();
    const checked = await Promise.all(Array.from({ length: 10 }, () => getToken(system, token)));
    if (performance.now() - startedAt < boundInMs) expect(callsToCheck() - beforeCheck).toBe(1);
    expect(new Set(checked.map((one) => one.token))).toEqual(new Set([issued.token]));
  });

  it('is returned while the store is down', async () => {
    const { token } = newCaller(system);
    const issued = await getToken(system, token);
    await untilBound(performance.now());
    if (system.proxy) system.proxy.fail('dropped', 'GET', 20);
    else system.emulator.fail({ operation: 'acs', kind: 'drop', times: 20 });
    expect((await getToken(system, token)).token).toBe(issued.token);
  });

  it('is never checked with a bound of 0', async () => {
    const unchecked = await startReadyServer(system, { TOKEN_REUSE_CHECK_SECONDS: '0' });
    const { token } = newCaller(system);
    const issued = await getToken(unchecked, token);
    await other.call('delete', '/api/user', token).expect(204);
    await untilBound(performance.now());
    expect((await getToken(unchecked, token)).token).toBe(issued.token);
  });
});
