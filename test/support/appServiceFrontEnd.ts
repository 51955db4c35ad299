import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** Identifies the client to the front end, which identifies real clients by their connection. Not forwarded. */
const clientHeader = 'test-client';

export interface FrontEnd {
  readonly url: string;
  /** Sends all further requests to this instance, as a swap of slots does. */
  routeTo(instanceUrl: string): void;
  /** A request of this client, an address with port as the front end writes it: 203.0.113.7:1234 or [2001:db8::7]:1234. */
  fetchFrom(client: string, path: string, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

export interface FrontEndOptions {
  readonly host: string;
  /** How long a connection may be idle, towards the client and towards the instance: 230 s in Azure. */
  readonly idleLimitInMs: number;
}

/**
 * Behaves like the front end of Azure App Service, as seen by an app: it terminates TLS, appends the client's address with its port to
 * X-Forwarded-For, adds headers of its own, and closes idle connections.
 */
export async function startFrontEnd(options: FrontEndOptions): Promise<FrontEnd> {
  let target = '';
  const agent = new Agent({ keepAlive: true, timeout: options.idleLimitInMs });
  const server = createServer((incoming, response) => {
    forward(incoming, response, { target, agent, ...options });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    routeTo: (instanceUrl) => void (target = instanceUrl),
    fetchFrom: (client, path, headers = {}) =>
      fetch(url + path, { headers: { ...headers, [clientHeader]: client }, redirect: 'manual' }),
    async stop() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

interface Route extends FrontEndOptions {
  readonly target: string;
  readonly agent: Agent;
}

function forward(incoming: IncomingMessage, response: ServerResponse, route: Route): void {
  const { target, agent, idleLimitInMs } = route;
  const outgoing = request(target + (incoming.url ?? '/'), {
    agent,
    method: incoming.method,
    headers: forwardedHeaders(incoming.headers, route.host),
  });
  outgoing.setTimeout(idleLimitInMs, () => outgoing.destroy(new Error('idle')));
  outgoing.once('response', (reply) => {
    response.writeHead(reply.statusCode ?? 502, withoutConnectionHeaders(reply.headers));
    reply.pipe(response);
  });
  // The response to the client if the request is lost.
  outgoing.once('error', () => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
  incoming.pipe(outgoing);
}

function forwardedHeaders(headers: IncomingHttpHeaders, host: string): IncomingHttpHeaders {
  const { [clientHeader]: client = '198.51.100.1:50000', ...rest } = headers;
  const before = rest['x-forwarded-for'];
  return {
    ...withoutConnectionHeaders(rest),
    host,
    'x-forwarded-for': [before, client].filter(Boolean).join(', '),
    'x-forwarded-proto': 'https',
    'x-arr-ssl': '2048|256|CN=Example CA|CN=*.azurewebsites.net',
    'x-arr-log-id': '5a2f3c1e-0000-4000-8000-000000000000',
    'x-site-deployment-id': 'acs-auth',
    'x-original-url': '/',
    'disguised-host': host,
  };
}

/** These are about one connection, and the front end has another one on either side. */
function withoutConnectionHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = { ...headers };
  delete kept.connection;
  delete kept['keep-alive'];
  return kept;
}
