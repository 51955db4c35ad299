import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Express, Request, Response } from 'express';
import { createPendingResponses } from './pendingResponses';
import { respondToMalformedRequest, maxHeaderBytes } from './malformedRequests';
import { createDrain, type Drain } from './drain';

export interface HttpServer {
  readonly server: Server;
  /** Ends it in good order. */
  readonly drain: Drain;
}

/**
 * An HTTP server for an Express app. Express exchanges the prototype of each request and response as they arrive, after which
 * V8 handles them as slow objects: that is more than half of the cost of a short request. Here they are born with the prototype
 * that Express is about to give them, so that the exchange changes nothing.
 */
export function createHttpServer(app: Express): HttpServer {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse<AppRequest> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  app.request = AppRequest.prototype as Request;
  app.response = AppResponse.prototype as Response;
  const batchRead = createBatchEnd();
  const server = createServer(
    { IncomingMessage: AppRequest, ServerResponse: AppResponse, maxHeaderSize: maxHeaderBytes },
    (request, response) =>
      void batchRead().then(() => {
        app(request, response);
      }),
  );
  const inFlight = createPendingResponses(server);
  server.on('clientError', (error, socket) => {
    const last = inFlight.lastFor(socket);
    if (last) last.once('close', () => respondToMalformedRequest(error, socket));
    else respondToMalformedRequest(error, socket);
  });
  return { server, drain: createDrain(server, inFlight) };
}

/**
 * Gives all who ask within one turn of the event loop the same promise, which resolves when the turn has read what there is to
 * read. So first all requests that have arrived are read and then all are answered, which on a busy server costs a third less:
 * see docs/decisions/0017-requests-are-read-first-then-answered.md.
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
