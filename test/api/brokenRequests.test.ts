import { once } from 'node:events';
import { connect } from 'node:net';
import { sendBytes, sendRaw } from '../support/rawBytes';
import { startSystem, type System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterAll(() => system.stop());

it.each([
  ['bytes that are not HTTP', 'hello?\r\n\r\n', '400 Bad Request'],
  [
    'headers that are too large',
    `GET /getToken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'a'.repeat(40_000)}\r\n\r\n`,
    '431 Request Header Fields Too Large',
  ],
  [
    'two Content-Length headers',
    'POST /getToken HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
    '400 Bad Request',
  ],
  ['no Host', 'GET /getToken HTTP/1.1\r\nConnection: close\r\n\r\n', '400 Bad Request'],
  [
    'two Hosts',
    'GET /getToken HTTP/1.1\r\nHost: x\r\nhost: y\r\nConnection: close\r\n\r\n',
    '400 Bad Request',
  ],
  [
    'two Hosts in HTTP/1.0',
    'GET /getToken HTTP/1.0\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n',
    '400 Bad Request',
  ],
  [
    'two Hosts, with 2,000 headers between them',
    `GET /getToken HTTP/1.1\r\nHost: x\r\n${'a:\r\n'.repeat(2_000)}Host: y\r\nConnection: close\r\n\r\n`,
    '400 Bad Request',
  ],
  [
    'an address that is none',
    'GET http://[::1/getToken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    '400 Bad Request',
  ],
  [
    'an address with a host that is none',
    'GET http://xn--/getToken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    '400 Bad Request',
  ],
  [
    'an expectation that is unknown',
    'GET /getToken HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nConnection: close\r\n\r\n',
    '417 Expectation Failed',
  ],
  ['a proxy request', 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', '400 Bad Request'],
])('%s: the response has the common error format', async (_name, bytes, status) => {
  const [head = '', body = ''] = (await sendRaw(system.url, bytes)).split('\r\n\r\n');
  expect(head.split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`);
  expect(head).toContain('x-ms-error-code: invalid_request');
  expect(head).toMatch(/^cache-control: no-store$/im);
  expect(head).toMatch(/^x-ms-request-id: [\w-]+$/im);
  expect(JSON.parse(body)).toEqual({
    error: {
      code: 'invalid_request',
      message: expect.any(String),
      documentation: '/docs/errors#invalid_request',
    },
  });
});

it('a body that is malformed gets a response, although the client keeps its side of the connection open', async () => {
  const { hostname, port } = new URL(system.url);
  const accessToken = system.emulator.accessToken();
  const head = `POST /exchangeToken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${accessToken}\r\nContent-Type: application/json\r\n`;
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.write(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n`);
  let reply = '';
  socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
  await new Promise((resolve) => socket.once('end', resolve));
  expect(reply).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*x-ms-error-code: invalid_request/s);
  // The server closes it. Otherwise the request would be in flight as long as the client wants.
  const closed = new Promise((resolve) => socket.once('error', resolve));
  const write = setInterval(() => socket.write('x'), 50);
  await closed;
  clearInterval(write);
});

it('a client that sends too large a body can send all of it after the response', async () => {
  const size = 1_000_000;
  const socket = sendBytes(
    system.url,
    `POST /getToken HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`,
  );
  let replies = '';
  socket.on('data', (chunk: Buffer) => (replies += chunk.toString()));
  await once(socket, 'data');
  socket.write('e'.repeat(size));
  socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  expect(replies).toMatch(/^HTTP\/1\.1 413 .*"body_too_large".*HTTP\/1\.1 200 OK\r\n/s);
});

it('headers may hold two access tokens of a user in 200 groups', async () => {
  const { emulator } = system;
  const groups = Array.from(
    { length: 200 },
    (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
  );
  const accessToken = emulator.accessToken({ user: emulator.users.carol, claims: { groups } });
  const response = await system
    .call('get', '/exchangeToken', accessToken)
    .set('teams-user-aad-token', emulator.teamsToken({ claims: { groups } }));
  expect(response.status).toBe(200);
});
