import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { withDeadline } from '../../src/resilience/deadline';
import { createHttpClient } from '../../src/resilience/httpClient';

const json = { 'Content-Type': 'application/json; charset=utf-8' };

async function withUpstream<T>(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function get(url: string): Promise<string> {
  const http = createHttpClient();
  return withDeadline(5_000, undefined, async ({ signal }) => {
    const { text } = await http.send(url, { method: 'GET', signal });
    await http.close();
    return text;
  });
}

/** A request without Accept-Encoding accepts every coding (RFC 9110, section 12.5.3). */
it('a service that compresses for everyone who accepts it does not compress for the server', async () => {
  const text = await withUpstream((request, response) => {
    const accepted = request.headers['accept-encoding'] ?? '*';
    const body = JSON.stringify({ accepted });
    if (accepted === 'identity') response.writeHead(200, json).end(body);
    else response.writeHead(200, { ...json, 'Content-Encoding': 'gzip' }).end(gzipSync(body));
  }, get);
  expect(JSON.parse(text)).toEqual({ accepted: 'identity' });
});
