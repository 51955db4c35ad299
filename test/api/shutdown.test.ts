import { expireForHeldCallsOnly, shortTimeoutTimings, longTimeoutTimings } from '../support/fastTimings';
import { expectOneIdentityEach } from '../support/mappings';
import { startSystem, type System, type TestServer } from '../support/startSystem';
import { until } from '../support/until';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const newAccessToken = () => system.emulator.accessToken({ user: system.emulator.addUser() });

/** Longer than a shutdown that waits for nothing. */
const delayInMs = 500;

/** Stops the server when the call has come to this step. The stop closes the connection of the client. */
async function stopDuring(step: string, server: TestServer, call: () => PromiseLike<unknown>): Promise<void> {
  system.emulator.delay(step, delayInMs);
  const calls = system.emulator.callsTo(step);
  const disconnected = expect(call()).rejects.toThrow();
  await until(() => system.emulator.callsTo(step) > calls);
  await server.stop();
  await disconnected;
}

describe('a shutdown after the client has disconnected', () => {
  it.each([
    ['get', '/getToken', 'acs.identity.create'],
    ['get', '/getToken', 'graph.extension.create'],
    ['post', '/api/user', 'acs.identity.create'],
  ] as const)('waits until the new identity is mapped: %s %s during %s', async (method, path, step) => {
    const server = await system.startAnother({}, longTimeoutTimings);
    await stopDuring(step, server, () => server.call(method, path, newAccessToken()));
    expect(expectOneIdentityEach(system.emulator)).toBe(1);
  });

  it.each(['graph.me', 'graph.extension.update', 'acs.identity.delete', 'graph.extension.delete'])(
    'completes a deletion: during %s',
    async (step) => {
      const server = await system.startAnother({}, longTimeoutTimings);
      const accessToken = newAccessToken();
      await server.call('post', '/api/user', accessToken).expect(201);
      await stopDuring(step, server, () => server.call('delete', '/api/user', accessToken));
      expect(expectOneIdentityEach(system.emulator)).toBe(0);
    },
  );

  it('completes a deletion with the acs store', async () => {
    const server = await system.startAnother({ IDENTITY_STORE: 'acs' }, longTimeoutTimings);
    const accessToken = newAccessToken();
    await server.call('post', '/api/user', accessToken).expect(201);
    await stopDuring('acs.identity.delete', server, () => server.call('delete', '/api/user', accessToken));
    expect(system.emulator.identities()).toEqual([]);
  });
});

describe('a shutdown after a creation has timed out', () => {
  const { upstream } = shortTimeoutTimings;
  const timings = { ...shortTimeoutTimings, upstream: { ...upstream, detachedCallInMs: 60_000 } };
  beforeEach(() => expireForHeldCallsOnly(system.emulator));
  afterEach(() => jest.restoreAllMocks());

  it('waits for the late response, and deletes the identity', async () => {
    const { emulator } = system;
    const server = await system.startAnother({}, timings);
    emulator.delay('acs.identity.create', 3 * upstream.attemptInMs);
    await server.call('get', '/getToken', newAccessToken()).expect(504);
    await server.stop();
    expect({ created: emulator.callsTo('acs.identity.create'), left: emulator.identities() }).toEqual({
      created: 1,
      left: [],
    });
    expect(emulator.callsTo('acs.identity.delete')).toBe(1);
  });

  it('does not wait for a response that has failed', async () => {
    const { emulator } = system;
    const server = await system.startAnother({}, timings);
    emulator.fail({ operation: 'acs.identity.create', kind: 'hang' });
    await server.call('get', '/getToken', newAccessToken()).expect(504);
    const stopped = server.stop();
    emulator.reset();
    await stopped;
    expect(emulator.identities()).toEqual([]);
  });
});
