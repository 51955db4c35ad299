import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Express, Request, Response } from 'express';
import { createPendingResponses } from './pendingResponses';
import {
  findRefusal,
  maxHeaderBytes,
  refuseConnection,
  refuseRequest,
  unknownExpectation,
} from './malformedRequests';
import { createDrain, type Drain } from './drain';

/** How often connections are closed that take too long to send a request. By default Node looks every 30 s. */
const slowClientCheckInMs = 5_000;

export interface HttpServer {
  readonly server: Server;
  /** Shuts down gracefully. */
  readonly drain: Drain;
}

/**
 * An HTTP server for an Express app. Express replaces the prototype of each request and response, after which V8 treats them
 * as slow objects: that is more than half of the cost of a short request. Here they are created with the prototype that
 * Express sets, so that the replacement has no effect.
 *
 * @param errorDocumentation the page that explains the error codes, for errors that do not reach the app
 */
export function createHttpServer(app: Express, errorDocumentation?: string): HttpServer {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse<AppRequest> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  app.request = AppRequest.prototype as Request;
  app.response = AppResponse.prototype as Response;
  const batchEnd = createBatchEnd();
  const server = createServer(
    {
      IncomingMessage: AppRequest,
      ServerResponse: AppResponse,
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: slowClientCheckInMs,
      // Checked by `findRefusal`, because Node's response has no body.
      requireHostHeader: false,
    },
    (request, response) => {
      const refusal = findRefusal(request);
      if (refusal) refuseRequest(response, refusal, errorDocumentation);
      else
        void batchEnd().then(() => {
          app(request, response);
        });
    },
  );
  // By default Node.js drops all headers after the first 2,000, such as a second Host. Their size is limited already.
  server.maxHeadersCount = 0;
  server.on('checkExpectation', (_request, response) =>
    refuseRequest(response, unknownExpectation, errorDocumentation),
  );
  const inFlight = createPendingResponses(server);
  /** After the responses to the requests before it. */
  const refuse = (error: Error, socket: Duplex) => {
    const respond = () => refuseConnection(error, socket, errorDocumentation);
    const before = inFlight.lastReceived(socket);
    if (before) before.once('close', respond);
    else respond();
  };
  server.on('connect', (_request, socket) => {
    // Node.js has removed its own listener: without one, a client that resets the connection would end the process.
    socket.on('error', () => undefined);
    refuse(new Error('not a proxy'), socket);
  });
  server.on('clientError', refuse);
  return { server, drain: createDrain(server, inFlight) };
}

/**
 * Returns the same promise to all callers within one turn of the event loop; it resolves when the turn has read all available
 * input. So the requests that have arrived are first all read and then all handled, which takes a third less CPU on a busy
 * server: see docs/decisions/0017-requests-are-read-first-then-handled.md.
 */
function createBatchEnd(): () => Promise<void> {
  let end: Promise<void> | undefined;
  return () =>
    (end ??= new Promise((resolve) =>
      setImmediate(() => {
        end = undefined;
        resolve();
      }),
    ));
}
