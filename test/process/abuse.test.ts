import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { sendBytes, sendRaw } from '../support/rawBytes';
import { type ServerProcess, startServerProcess } from '../support/serverProcess';
import { until } from '../support/until';

/** Malicious clients against the built server in its own process. Others must still be served. */
let emulator: Emulator;
let server: ServerProcess;
let accessToken: string;
/** Opened first, since it takes a while until they are closed. */
let slow: Connection[];
/** The same, with a body that ends too early. */
let slowBodies: Connection[];

interface Connection {
  readonly socket: Socket;
  readonly received: () => string;
  readonly isClosed: () => boolean;
}

beforeAll(async () => {
  emulator = await startEmulator();
  server = await startServerProcess({ ...emulator.settings(), NODE_ENV: 'production', RATE_LIMIT_USER: '0' });
  accessToken = emulator.accessToken();
  await expectServed();
  slow = await openConnections(200, `GET /getToken HTTP/1.1\r\nHost: x\r\n`);
  slowBodies = await openConnections(
    20,
    `POST /exchangeToken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${accessToken}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
  );
});
afterAll(async () => {
  await server.stop('SIGKILL');
  await emulator.stop();
});

async function expectServed(): Promise<void> {
  const response = await fetch(`${server.url}/getToken`, {
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  expect(response.status).toBe(200);
  await response.text();
}

function openConnections(count: number, beginning: string): Promise<Connection[]> {
  const { hostname, port } = new URL(server.url);
  const open = () =>
    new Promise<Connection>((resolve, reject) => {
      let [received, closed] = ['', false];
      const socket = connect({ host: hostname, port: Number(port) }, () => {
        socket.off('error', reject);
        socket.on('error', () => undefined);
        socket.write(beginning);
        resolve({ socket, received: () => received, isClosed: () => closed });
      });
      socket.once('error', reject);
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
      socket.once('close', () => (closed = true));
    });
  return Promise.all(Array.from({ length: count }, open));
}

const memoryInMb = () =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1_024;

const statusesIn = (responses: string) =>
  [...responses.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

it('many connections that send nothing cost little memory, and others are served', async () => {
  const before = memoryInMb();
  const connections = await openConnections(2_000, '');
  await expectServed();
  expect(memoryInMb() - before).toBeLessThan(100);
  for (const { socket } of connections) socket.destroy();
  await expectServed();
}, 60_000);

it('headers without an end are refused at the limit', async () => {
  const before = memoryInMb();
  const flood = await openConnections(100, `GET /getToken HTTP/1.1\r\nHost: x\r\n`);
  const header = `x-${'a'.repeat(1_000)}: ${'b'.repeat(7_000)}\r\n`;
  for (const { socket } of flood) for (let sent = 0; sent < 10; sent += 1) socket.write(header);
  await expectServed();
  await until(() => flood.every(({ isClosed }) => isClosed()));
  const statuses = flood.flatMap(({ received }) => statusesIn(received()));
  expect(new Set(statuses)).toEqual(new Set([431]));
  expect(memoryInMb() - before).toBeLessThan(100);
}, 60_000);

it('a thousand requests in one piece get their responses in order, and others are served meanwhile', async () => {
  const paths = Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? '/health/live' : '/getToken'));
  const request = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${accessToken}\r\n${more}\r\n`;
  const bytes = paths.map((path) => request(path)).join('') + request('/nothing', 'Connection: close\r\n');
  const [responses] = await Promise.all([sendRaw(server.url, bytes), expectServed()]);
  expect(statusesIn(responses)).toEqual([...paths.map(() => 200), 404]);
  const kinds = [...responses.matchAll(/"status":"live"|"token":/g)].map(([kind]) => kind);
  expect(kinds).toEqual(paths.map((path) => (path === '/getToken' ? '"token":' : '"status":"live"')));
}, 60_000);

it('requests that never end are given up with 408, and others are served meanwhile', async () => {
  const slowSender = setInterval(() => {
    for (const { socket, isClosed } of slow) if (!isClosed()) socket.write('x');
  }, 1_000);
  await expectServed();
  const endless = [...slow, ...slowBodies];
  await until(() => endless.every(({ isClosed }) => isClosed()));
  clearInterval(slowSender);
  const responses = endless.map(({ received }) => received()).filter((text) => text !== '');
  expect(new Set(responses.flatMap(statusesIn))).toEqual(new Set([408]));
  await expectServed();
}, 90_000);

it('clients that reset their connection after a proxy request do not end the process', async () => {
  const proxyRequest = 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n';
  for (const bytes of [proxyRequest, `GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n${proxyRequest}`]) {
    const socket = sendBytes(server.url, bytes);
    await once(socket, 'data');
    socket.resetAndDestroy();
    await expectServed();
  }
  expect(await server.stop()).toBe(0);
});
