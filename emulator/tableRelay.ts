import { once } from 'node:events';
import { createServer, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Emulator } from './emulator';

/**
 * Forwards to a table service and records its calls like the emulator's, so that they are part of a request's trace. Resolves to the URL
 * to use instead of the target's. The signature of a call does not cover the port.
 */
async function startTableRelay(target: string, emulator: Pick<Emulator, 'observe'>): Promise<string> {
  const { hostname, port } = new URL(target);
  const relay = createServer((request, response) => {
    emulator.observe(operationOf(request), request, response);
    const { method, url, headers } = request;
    const forwarded = send({ hostname, port, method, path: url, headers }, (forwardedResponse) => {
      response.writeHead(forwardedResponse.statusCode ?? 502, forwardedResponse.headers);
      forwardedResponse.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  // Does not keep the process alive.
  relay.unref().on('connection', (socket) => socket.unref());
  return `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
}

function operationOf({ method = '', url = '' }: IncomingMessage): string {
  if (/\/Tables\b/.test(url)) return 'table.create';
  return { POST: 'table.insert', PUT: 'table.update', DELETE: 'table.delete' }[method] ?? 'table.read';
}

/** The same settings, with the relay in front of the table service, if there is one. */
export async function recordTableCalls(
  settings: Record<string, string>,
  emulator: Pick<Emulator, 'observe'>,
): Promise<Record<string, string>> {
  const { TABLES_CONNECTION_STRING: connectionString = '' } = settings;
  const [, origin] = /TableEndpoint=(http:\/\/[^/;]+)/.exec(connectionString) ?? [];
  if (origin === undefined) return settings;
  const relay = await startTableRelay(origin, emulator);
  return { ...settings, TABLES_CONNECTION_STRING: connectionString.replace(origin, relay) };
}
