import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';
import { diagnose } from './diagnose';

/** The doctor's findings for a running server, from outside. */
let system: System;
const ownOrigin = 'https://app.contoso.example';
beforeAll(async () => (system = await startReadySystem({ CORS_ALLOWED_ORIGINS: ownOrigin })));
afterAll(() => system.stop());

/** No settings: the doctor may run anywhere. */
const noSettings = () =>
  Object.fromEntries(Object.keys(system.emulator.settings()).map((name) => [name, '']));
const look = (url: string, ...more: string[]) =>
  diagnose(system.emulator, { settings: noSettings(), args: ['--url', url, ...more] });

it('finds no problem with this server', async () => {
  const { lines, line, exitCode } = await look(`${system.url}/`, '--origin', ownOrigin);
  expect(lines.filter((text) => !text.startsWith('ok '))).toEqual(['No problem.']);
  expect(line('call without a token')).toBe('ok call without a token: is refused: 401 missing_token');
  expect(lines).toContain(`ok       browser apps: ${ownOrigin} may call`);
  expect(line('clock')).toMatch(/^ok clock: agrees with the server/);
  expect(exitCode).toBe(0);
});

it('finds a browser app that may not call', async () => {
  const { lines, exitCode } = await look(system.url, '--origin', 'https://other.example');
  expect(lines.filter((text) => text.startsWith('problem'))).toEqual([
    'problem  browser apps: https://other.example may not call -> Add it to CORS_ALLOWED_ORIGINS, without a slash at the end.',
  ]);
  expect(exitCode).toBe(1);
});

describe('something that responds instead of the server, or changes its responses', () => {
  /** Forwards requests to the real server, and changes its responses. */
  let current: RequestListener;
  let front: Server;
  let url: string;
  beforeAll(async () => {
    front = createServer((request, response) => current(request, response)).listen(0, '127.0.0.1');
    await once(front, 'listening');
    url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  });
  afterAll(() => void front.close());

  const pass =
    (change: (path: string, reply: { status: number; headers: Headers }) => void): RequestListener =>
    (request, response) => {
      const { method = 'GET', url: path = '', headers } = request;
      const sent = Object.fromEntries(
        Object.entries(headers).filter(([name]) => /^(origin|access-control)/.test(name)),
      ) as Record<string, string>;
      void fetch(`${system.url}${path}`, { method, headers: sent }).then(async (reply) => {
        const changed = { status: reply.status, headers: new Headers(reply.headers) };
        const text = await reply.text();
        for (const name of ['content-length', 'transfer-encoding', 'connection'])
          changed.headers.delete(name);
        change(path, changed);
        response.writeHead(changed.status, Object.fromEntries(changed.headers)).end(text);
      });
    };

  it.each<[string, RequestListener, string, RegExp]>([
    [
      'another program',
      (_request, response) => response.end('hello'),
      'live',
      /^problem live: \/health\/live does not respond like this server \(HTTP 200\)/,
    ],
    [
      'a sign-in page',
      pass((path, reply) => {
        if (path === '/api/token') Object.assign(reply, { status: 302 });
      }),
      'call without a token',
      /^problem .*is redirected \(HTTP 302\) -> .*signs users in with a page\. Turn off Authentication/,
    ],
    [
      'no check of tokens',
      pass((path, reply) => {
        if (path === '/api/token') Object.assign(reply, { status: 200 });
      }),
      'call without a token',
      /^problem .*gets HTTP 200, not 401 missing_token/,
    ],
    [
      'a server that is not ready',
      pass((path, reply) => {
        if (path === '/health/ready') Object.assign(reply, { status: 503 });
      }),
      'ready',
      /^problem ready: \/health\/ready returns HTTP 503 -> The server cannot load the signing keys/,
    ],
    [
      'a server without its table',
      (request, response) =>
        request.url === '/health/ready'
          ? response.writeHead(503).end('{"status":"not ready","reason":"the table x cannot be found"}')
          : pass(() => undefined)(request, response),
      'ready',
      /^problem ready: \/health\/ready returns HTTP 503 -> the table x cannot be found Read the log/,
    ],
    [
      'headers that are removed',
      pass((_path, { headers }) => headers.delete('x-content-type-options')),
      'headers',
      /^warning headers: differ from those that this server sends: x-content-type-options/,
    ],
    [
      'CORS for every origin',
      pass((_path, { headers }) => headers.set('access-control-allow-origin', '*')),
      'browser apps',
      /^problem browser apps: any origin may call \(access-control-allow-origin: \*\)/,
    ],
  ])('is found: %s', async (_name, listener, check, says) => {
    current = listener;
    const { line } = await look(url);
    expect(line(check)).toMatch(says);
  });
});

it('finds that nothing responds, and a connection without encryption', async () => {
  expect((await look('http://127.0.0.1:1')).line('live')).toMatch(
    /^problem live: nothing listens at 127\.0\.0\.1:1 -> Check the address after --url/,
  );
  // A name that does not resolve (RFC 6761): what matters is that it is not this machine.
  expect((await look('http://server.invalid')).line('encryption')).toMatch(
    /^problem encryption: the address is http: tokens can be intercepted/,
  );
});
