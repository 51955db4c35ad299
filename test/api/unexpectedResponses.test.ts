import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';

/** Replaces Communication Services and the table, and sends the same response to every request. */
let respond: (response: ServerResponse) => void;
const service = createServer((request, response) => {
  request.resume();
  respond(response);
});

let system: System;
let origin: string;
beforeAll(async () => {
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  system = await startReadySystem();
});
afterAll(async () => {
  service.closeAllConnections();
  service.close();
  await system.stop();
});

const json = (status: number, body: unknown) => (response: ServerResponse) =>
  void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));

const key = Buffer.from('a key of a test').toString('base64');

/** With each of these, the first call for a new user goes to the service. */
const settings: [string, () => Record<string, string>][] = [
  [
    'Communication Services',
    () => ({ COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=${origin}/;accesskey=${key}` }),
  ],
  [
    'Communication Services, by custom id',
    () => ({
      IDENTITY_STORE: 'acs',
      COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=${origin}/;accesskey=${key}`,
    }),
  ],
  [
    'the table',
    () => ({
      IDENTITY_STORE: 'table',
      TABLES_CONNECTION_STRING: `TableEndpoint=${origin}/account;AccountName=account;AccountKey=${key}`,
    }),
  ],
];

describe.each(settings)('%s', (_, settingsOf) => {
  let server: TestServer;
  beforeEach(async () => {
    respond = json(404, { 'odata.error': { code: 'ResourceNotFound' } });
    server = await system.startAnother(settingsOf());
    await server.ready();
  });
  afterEach(() => server.stop());

  const getToken = () => {
    const { emulator } = system;
    return server.call('get', '/getToken', emulator.accessToken({ user: emulator.addUser() }));
  };

  it.each([
    ['a message that is not text', { error: { code: 5, message: { text: 'no' } } }],
    ['a number instead of an error', { error: 5 }],
    ['a list instead of an error', [{ message: [] }]],
  ])('may refuse with %s', async (_form, body) => {
    respond = json(400, body);
    const response = await getToken();
    expect([response.status, response.body.error?.code]).toEqual([502, 'upstream_refused']);
  });

  it.each([200, 201, 202, 302])(
    'may send a token with status %d that is then not in the log',
    async (status) => {
      const reply = JSON.stringify({
        identity: 5,
        accessToken: { token: 'opaque-token-of-a-user' },
        token: 5,
      });
      respond = (response) =>
        void response.writeHead(status, { 'Content-Type': 'application/json' }).end(reply.slice(0, -1));
      const response = await getToken();
      expect([response.status, response.body.error?.code]).toEqual([502, 'upstream_invalid_response']);
      expect(server.rawLog.join('')).toContain('upstream_invalid_response');
      expect(server.rawLog.join('')).not.toContain('opaque-token');
    },
  );

  it.each([200, 201])('may send a body that is not JSON with status %d', async (status) => {
    respond = (response) => void response.writeHead(status, { 'Content-Type': 'text/html' }).end('<html>');
    const response = await getToken();
    expect([response.status, response.body.error?.code]).toEqual([502, 'upstream_invalid_response']);
  });

  it('may send an endless response, of which only the beginning is read', async () => {
    let sentBytes = 0;
    const chunk = Buffer.alloc(64 * 1024, ' ');
    respond = (response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const write = () => {
        while (!response.destroyed && response.write(chunk)) sentBytes += chunk.length;
      };
      response.on('drain', write);
      write();
    };
    const response = await getToken();
    expect([response.status, response.body.error?.code]).toEqual([502, 'upstream_invalid_response']);
    // Network buffers come on top of the limit.
    expect(sentBytes).toBeLessThan(20_000_000);
  });
});
