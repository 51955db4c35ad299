import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectError } from '../support/responses';
import { callsDuring } from '../support/calls';
import { longTimeoutTimings } from '../support/fastTimings';
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

const endless = 1_000_000;
/** An upstream that does not respond is waited for. */
const endlessTimings = {
  ...longTimeoutTimings,
  requestInMs: endless,
  workInMs: endless,
  upstream: { ...longTimeoutTimings.upstream, attemptInMs: endless },
};

/** Work of another part of the process that blocks the event loop. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe('a server with too many requests in flight', () => {
  it('rejects more, without any call, but serves health, and recovers', async () => {
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
    expect(log).not.toContain('request failed');
  });
});

describe('a slow upstream', () => {
  it('is called for 200 users concurrently: none waits until the response to another has come', async () => {
    const { emulator } = system;
    const server = await system.startAnother({}, endlessTimings);
    await server.ready();
    emulator.fail({ operation: 'graph.me', kind: 'hang', times: Infinity });
    const users = Array.from({ length: 200 }, () => emulator.accessToken({ user: emulator.addUser() }));
    const calls = users.map((token) => server.call('get', '/api/user', token));
    for (const call of calls) call.end();
    await until(() => emulator.callsTo('graph.me') === users.length);
    for (const call of calls) call.abort();
  });
});

describe('a server whose event loop is saturated', () => {
  /** This many requests are served however long they take. */
  const alwaysServed = 64;

  /** Takes nearly all of the event loop's time, as too many requests would. */
  async function whileSaturated(work: () => Promise<void>): Promise<void> {
    const timer = setInterval(() => block(20), 0);
    await work().finally(() => clearInterval(timer));
  }

  /** A server with this many requests in flight, whose responses would come too late. */
  async function startWaitingServer(inFlight: number) {
    const { emulator } = system;
    // At most 200 calls of `status` in the 4 s of the rate, one in a turn of 20 ms: 64 requests would take more than 0.9 s.
    const server = await system.startAnother({ OVERLOAD_WAIT_MS: '500' }, endlessTimings);
    await server.ready();
    emulator.fail({ operation: 'graph.me', kind: 'hang', times: Infinity });
    let released = false;
    const waiting = Array.from({ length: inFlight }, async () => {
      const token = emulator.accessToken({ user: emulator.addUser() });
      // On a busy machine, some are rejected at first.
      while (!released) {
        await server.call('get', '/api/user', token);
        await sleep(10);
      }
    });
    await until(() => emulator.callsTo('graph.me') >= inFlight);
    return {
      server,
      /** Of a request that needs no upstream: 401 if it is not rejected before. */
      status: async () => (await server.call('get', '/getToken')).status,
      release: async () => {
        released = true;
        emulator.reset();
        await Promise.all(waiting);
      },
    };
  }

  it('rejects requests that it would serve too late, but serves health, and recovers', async () => {
    const { server, status, release } = await startWaitingServer(alwaysServed);
    await until(async () => (await status()) === 401);
    await whileSaturated(async () => {
      await until(async () => (await status()) === 503);
      await server.call('get', '/health/live').expect(200);
    });
    await until(async () => (await status()) === 401);
    await release();
  });

  it('serves a few requests, however late', async () => {
    const { status, release } = await startWaitingServer(alwaysServed - 1);
    await whileSaturated(async () => {
      const end = performance.now() + 1_000;
      while (performance.now() < end) expect(await status()).toBe(401);
    });
    await release();
  });

  it('serves a burst of requests of which none is completed yet', async () => {
    const { emulator } = system;
    const server = await system.startAnother({ OVERLOAD_WAIT_MS: '10000' }, longTimeoutTimings);
    await server.ready();
    emulator.delay('graph.me', 2_000);
    const getToken = async () =>
      (await server.call('get', '/getToken', emulator.accessToken({ user: emulator.addUser() }))).status;
    const statuses = Array.from({ length: 2 * alwaysServed }, getToken);
    await until(() => emulator.callsTo('graph.me') >= alwaysServed);
    await whileSaturated(async () => {
      const end = performance.now() + 1_000;
      while (performance.now() < end) {
        statuses.push(getToken());
        await sleep(20);
      }
    });
    expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]));
  });

  it('rejects requests while new connections wait too long to be accepted', async () => {
    const server = await startReadyServer(system, { OVERLOAD_WAIT_MS: '200' });
    const agent = new Agent({ keepAlive: true });
    const status = async () => (await server.call('get', '/getToken').agent(agent)).status;
    const connections: Socket[] = [];
    await whileSaturated(async () => {
      await until(async () => {
        const address = { port: Number(new URL(server.url).port), host: '127.0.0.1' };
        for (let count = 0; count < 100; count += 1) {
          connections.push(connect(address).on('error', () => undefined));
        }
        const isRejected = (await status()) === 503;
        for (const connection of connections.splice(0, connections.length - 400)) connection.destroy();
        return isRejected;
      });
    });
    await until(async () => (await status()) === 401);
    for (const connection of connections) connection.destroy();
    agent.destroy();
  });
});
