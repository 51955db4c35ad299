import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import { createAcsIdentityClient } from '../../src/acs/acsIdentityClient';
import { withDeadline } from '../../src/resilience/deadline';
import { createHttpClient } from '../../src/resilience/httpClient';
import { createUpstream } from '../../src/resilience/upstream';
import { fastTimings } from '../support/fastTimings';

const json = { 'Content-Type': 'application/json; charset=utf-8' };

async function withUpstream<T>(
  reply: (request: IncomingMessage, response: ServerResponse) => void,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer(reply).listen(0, '127.0.0.1');
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

describe('JSON after a byte order mark', () => {
  const marked = (value: object) => Buffer.from(`\uFEFF${JSON.stringify(value)}`, 'utf8');

  it('is read from Entra ID and Graph', async () => {
    const text = await withUpstream(
      (_request, response) => response.writeHead(200, json).end(marked({})),
      get,
    );
    expect(JSON.parse(text)).toEqual({});
  });

  it('is read from Communication Services', async () => {
    const id = '8:acs:2dee53b4-368b-45b4-ab52-8493fb117652_00000005-14a2-493b-8a72-5a3a0d000081';
    const created = await withUpstream(
      (_request, response) => response.writeHead(201, json).end(marked({ identity: { id } })),
      (endpoint) => {
        const acs = createAcsIdentityClient(
          {
            endpoint,
            accessKey: Buffer.alloc(32).toString('base64'),
            managedIdentityClientId: undefined,
            workloadIdentity: undefined,
            managedIdentityScope: undefined,
            teamsAudience: 'https://auth.msft.communication.azure.com',
            tokenScopes: ['chat'],
            tokenLifetimeInMinutes: 60,
            tokenReuseInMinutes: 0,
            tokenCacheSize: 1,
          },
          createUpstream({
            name: 'Azure Communication Services',
            timings: fastTimings.upstream,
            log: pino({ level: 'silent' }),
          }),
        );
        return withDeadline(5_000, undefined, (deadline) => acs.createUser(deadline, () => undefined));
      },
    );
    expect(created.communicationUserId).toBe(id);
  });
});
