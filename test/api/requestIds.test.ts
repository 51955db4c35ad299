import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { startSystem, type System, type TestServer } from '../support/startSystem';

let system: System;
let forwarding: TestServer;
beforeAll(async () => {
  system = await startSystem();
  forwarding = await system.startAnother({ FORWARD_REQUEST_ID: 'on' });
  await Promise.all([system.ready(), forwarding.ready()]);
});
afterAll(() => system.stop());
beforeEach(() => system.emulator.reset());

const requestIdOf = ({ headers }: { headers: Record<string, string> }): string =>
  headers['x-ms-request-id'] ?? '';

describe('with FORWARD_REQUEST_ID=on, the calls of a request carry its id', () => {
  it.each([
    ['a new user', ['entra.token.on_behalf_of', 'graph.me', 'acs.identity.create', 'graph.extension.create']],
    ['a known user', ['acs.token.issue']],
  ])('of %s', async (_, operations) => {
    const { emulator } = system;
    const user = emulator.addUser('Ida Iden');
    if (operations.length === 1) await forwarding.call('get', '/api/token', emulator.accessToken({ user }));
    const response = await forwarding
      .call('get', '/api/token', emulator.accessToken({ user }))
      .set('Cache-Control', 'no-cache');
    const made = emulator.requests({ clientRequestId: requestIdOf(response) });
    expect(made.map(({ operation }) => operation)).toEqual(operations);
    expect(made.every(({ milliseconds = -1, startedAt }) => milliseconds >= 0 && startedAt > 0)).toBe(true);
  });

  it('of two concurrent requests, each its own', async () => {
    const { emulator } = system;
    const responses = await Promise.all(
      ['One', 'Two'].map((name) =>
        forwarding.call('get', '/api/token', emulator.accessToken({ user: emulator.addUser(name) })),
      ),
    );
    const counts = responses.map(
      (response) => emulator.requests({ clientRequestId: requestIdOf(response) }).length,
    );
    expect(counts).toEqual([4, 4]);
  });

  it('to the table', async () => {
    const ids: unknown[] = [];
    const table = createServer((request, response) => {
      ids.push(request.headers['x-ms-client-request-id']);
      response.writeHead(503).end();
    }).listen(0, '127.0.0.1');
    await once(table, 'listening');
    const { port } = table.address() as AddressInfo;
    const key = randomBytes(64).toString('base64');
    const server = await system.startAnother({
      FORWARD_REQUEST_ID: 'on',
      IDENTITY_STORE: 'table',
      TABLES_CONNECTION_STRING: `AccountName=local;AccountKey=${key};TableEndpoint=http://127.0.0.1:${port}/local;`,
    });
    const response = await server.call('get', '/api/user', system.emulator.accessToken());
    expect(response.status).toBe(503);
    expect(ids).toContain(requestIdOf(response));
    table.close();
    table.closeAllConnections();
  });
});

test('without it, they carry an id of no request', async () => {
  const { emulator } = system;
  const response = await system.call('get', '/api/token', emulator.accessToken());
  expect(emulator.requests({ clientRequestId: requestIdOf(response) })).toEqual([]);
  expect(emulator.requests()).toHaveLength(4);
});
