import { type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallLog, type LoggedRequest, notEmulated } from './callLog';
import { type Operation } from './emulated';
import { type Call, declaredForm, type Handler, NotEmulated, type Reply } from './exchange';
import { type Names } from '../names';
import { type Fault, type Faults } from './faults';
import { crossOriginMethods, findRoute, grantTypes, type Route } from './router';
import { statusReply } from './statusReply';

export interface ListenerParts {
  handlers: Record<Operation, (call: Call) => Reply | Promise<Reply>>;
  names: Names;
  faults: Faults;
  log: CallLog;
  /** Requests under this path go to the control API, and are never logged, delayed or failed. */
  control: { prefix: string; handler: Handler };
}

const maxBodyInBytes = 1024 * 1024;

/** The HTTP side of the services: reads the request, finds its operation, applies delays and faults, and writes the response. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #hanging = new Set<ServerResponse>();
  #delayed = 0;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  readonly listen = (request: IncomingMessage, response: ServerResponse): void => {
    this.#handle(request, response).catch((error: unknown) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : 'unknown';
      process.stderr.write(
        `emulator: internal error at ${request.method ?? ''} ${request.url ?? ''}: ${reason}\n`,
      );
      if (!response.headersSent) write(response, statusReply('', 500));
      else response.destroy();
    });
  };

  /** Records a call that another service handles. */
  observe(operation: string, request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = request;
    const { pathname: path, searchParams: query } = new URL(url, 'http://localhost');
    const entry = this.#parts.log.record(operation, { method, path, headers, query });
    timeUntilEnd(entry, response);
    response.once('finish', () => (entry.status = response.statusCode));
  }

  /** How many calls wait because of a fault or a delay. */
  heldCalls(): number {
    return this.#hanging.size + this.#delayed;
  }

  /** Closes the calls that hang because of a fault. */
  releaseHanging(): void {
    for (const response of this.#hanging) response.destroy();
    this.#hanging.clear();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (!body) {
      response.destroy();
      return;
    }
    const target = request.url ?? '/';
    const question = target.indexOf('?');
    const path = question < 0 ? target : target.slice(0, question);
    const call = {
      method: request.method ?? 'GET',
      target,
      path,
      query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)),
      params: {},
      headers: request.headers,
      body,
    };
    const { control } = this.#parts;
    if (path === control.prefix || path.startsWith(`${control.prefix}/`)) {
      write(response, control.handler(call));
      return;
    }
    const route = findRoute(call.method, path, () => grantTypeOf(call));
    // A public name belongs to a single service.
    const service = this.#parts.names.serviceOf(call);
    const isOfService = service === undefined || route?.operation.startsWith(`${service}.`);
    if (route && isOfService) await this.#serve({ ...call, params: route.params }, route, response);
    else this.#serveUnknown(call, response);
  }

  async #serve(call: Call, route: Route, response: ServerResponse): Promise<void> {
    const { faults, handlers, log } = this.#parts;
    const entry = log.record(route.operation, call);
    timeUntilEnd(entry, response);
    const delay = faults.delayFor(route.operation);
    if (delay > 0) {
      this.#delayed += 1;
      await sleep(delay, undefined, { ref: false });
      this.#delayed -= 1;
    }
    const fault = faults.take(route.operation);
    const handle = async (): Promise<Reply> => {
      const reply = await withWarning(handlers[route.operation], call);
      return route.crossOrigin ? crossOrigin(reply) : reply;
    };
    if (fault) await this.#fail(fault, entry, handle, response);
    else respond(response, entry, await handle());
  }

  async #fail(
    fault: Fault,
    entry: LoggedRequest,
    handle: () => Promise<Reply>,
    response: ServerResponse,
  ): Promise<void> {
    if ('effectDone' in fault && fault.effectDone) await handle();
    switch (fault.kind) {
      case 'status':
        respond(response, entry, statusReply(entry.operation, fault.status, fault.headers, fault.body));
        break;
      case 'garbage':
        respond(response, entry, garbage);
        break;
      case 'malformed':
        respond(response, entry, malformed(fault.body));
        break;
      case 'notHttp':
        response.socket?.end(fault.bytes ?? 'SSH-2.0-gateway\r\n');
        break;
      case 'hang':
        this.#hanging.add(response);
        response.on('close', () => this.#hanging.delete(response));
        break;
      case 'drop':
        response.destroy();
        break;
      case 'replyLost':
        await handle();
        response.destroy();
        break;
      case 'cut':
        cut(response, entry, await handle());
    }
  }

  #serveUnknown(call: Call, response: ServerResponse): void {
    const methods = call.method === 'OPTIONS' ? crossOriginMethods(call.path) : [];
    if (methods.length > 0) {
      write(response, preflight(call, methods));
      return;
    }
    const entry = this.#parts.log.record(notEmulated, call);
    timeUntilEnd(entry, response);
    respond(response, entry, warn(new NotEmulated(`${call.method} ${call.path}`)));
  }
}

const garbage: Reply = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><html><head><title>Gateway</title></head><body><h1>Please sign in to the network</h1></body></html>',
};

function malformed(body = '{"unfinished":'): Reply {
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
}

/** Empty if Entra has no such grant. */
function grantTypeOf(call: Call): string {
  const grantType = declaredForm(call).get('grant_type') ?? '';
  // MSAL for JavaScript uses the name from before RFC 8628.
  if (grantType === 'device_code') return 'urn:ietf:params:oauth:grant-type:device_code';
  return grantTypes.has(grantType) || samlGrant.test(grantType) ? grantType : '';
}

/** Grants of Entra that are not emulated. */
const samlGrant = /^urn:ietf:params:oauth:grant-type:saml(1_1|2)-bearer$/;

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBodyInBytes) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

async function withWarning(handler: (call: Call) => Reply | Promise<Reply>, call: Call): Promise<Reply> {
  try {
    return await handler(call);
  } catch (error) {
    if (error instanceof NotEmulated) return warn(error);
    throw error;
  }
}

function warn(error: NotEmulated): Reply {
  process.stderr.write(`emulator: ${error.message} is not emulated\n`);
  return error.toReply();
}

/** Ends even if the caller disconnects, or a fault closes the connection. */
function timeUntilEnd(entry: LoggedRequest, response: ServerResponse): void {
  const startedAt = performance.now();
  const setTime = (): void => {
    entry.milliseconds ??= Math.round((performance.now() - startedAt) * 10) / 10;
  };
  response.once('finish', setTime).once('close', setTime);
}

function respond(response: ServerResponse, entry: LoggedRequest, reply: Reply): void {
  entry.status = reply.status;
  write(response, reply);
}

function write(response: ServerResponse, reply: Reply): void {
  const length = reply.status === 204 ? {} : { 'content-length': Buffer.byteLength(reply.body) };
  response.writeHead(reply.status, { ...reply.headers, ...length }).end(reply.body);
}

/** Sends the headers and half of the body; without a body, nothing at all. */
function cut(response: ServerResponse, entry: LoggedRequest, reply: Reply): void {
  if (reply.body === '') {
    response.destroy();
    return;
  }
  entry.status = reply.status;
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, { ...reply.headers, 'content-length': body.length });
  response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
}

function crossOrigin(reply: Reply): Reply {
  const exposed = 'request-id, client-request-id, x-ms-request-id, Retry-After, WWW-Authenticate, Location';
  return {
    ...reply,
    headers: {
      ...reply.headers,
      'access-control-allow-origin': '*',
      'access-control-expose-headers': exposed,
    },
  };
}

function preflight(call: Call, methods: string[]): Reply {
  const requested = call.headers['access-control-request-headers'];
  return {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': methods.join(', '),
      'access-control-max-age': '600',
      ...(requested === undefined ? {} : { 'access-control-allow-headers': requested }),
    },
    body: '',
  };
}
