import { expectError } from '../support/answers';
import { callsDuring } from '../support/calls';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';
import { until } from '../support/until';

let system: System;
beforeAll(async () => {
  system = await startReadySystem();
});
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const overloaded = { status: 503, code: 'server_overloaded', retryAfter: 'some' } as const;

/** Work of another part of the process that keeps the event loop from all else. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('a server with too many requests in flight', () => {
  it('rejects more, without any call, but answers health, and recovers', async () => {
    const server = await startReadyServer(system, { MAX_REQUESTS_IN_FLIGHT: '2' });
    const { emulator } = system;
    const tokens = [1, 2, 3].map(() => emulator.accessToken({ user: emulator.addUser() }));
    emulator.fail({ operation: 'graph.me', kind: 'hang', times: 2 });
    const waiting = tokens.slice(0, 2).map((token) => server.call('get', '/getToken', token).then());
    await until(() => emulator.callsTo('graph.me') === 2);
    const made = await callsDuring(emulator, async () => {
      for (const path of ['/getToken', '/api/user', '/nothing']) {
        expectError(await server.call('get', path, tokens[2]), overloaded);
      }
      await server.call('get', '/health/live').expect(200);
      await server.call('get', '/health/ready').expect(200);
    });
    expect(made).toEqual({});
    emulator.reset();
    await Promise.all(waiting);
    await server.call('get', '/getToken', emulator.accessToken()).expect(200);
    const log = server.rawLog.join('');
    expect(log).toContain('overloaded: rejecting requests');
    expect(log).toContain('no longer overloaded');
    expect(log).not.toContain('request failed');
  });
});

describe('a server whose event loop is late', () => {
  const delayInMs = 100;

  it('rejects requests once that has lasted, and recovers', async () => {
    const server = await startReadyServer(system, { OVERLOAD_DELAY_MS: String(delayInMs) });
    const token = system.emulator.accessToken();
    await server.call('get', '/getToken', token).expect(200);
    const statuses: number[] = [];
    await until(async () => {
      const answers = await Promise.all([1, 2].map(() => server.call('get', '/getToken', token)));
      block(2 * delayInMs);
      statuses.push(...answers.map(({ status }) => status));
      return statuses.at(-1) === 503;
    });
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    await until(async () => (await server.call('get', '/getToken', token)).status === 200);
  });

  it('serves on after a single delay', async () => {
    const server = await startReadyServer(system, { OVERLOAD_DELAY_MS: String(10 * delayInMs) });
    const token = system.emulator.accessToken();
    await server.call('get', '/getToken', token).expect(200);
    block(11 * delayInMs);
    await server.call('get', '/getToken', token).expect(200);
  });
});
