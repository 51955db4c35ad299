import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Express, Request, Response } from 'express';
import { createAnswersInFlight } from './answersInFlight';
import { answerBrokenRequest, longestHeadersInBytes } from './brokenRequests';
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
  const allAreRead = createTurnEnd();
  const server = createServer(
    { IncomingMessage: AppRequest, ServerResponse: AppResponse, maxHeaderSize: longestHeadersInBytes },
    (request, response) =>
      void allAreRead().then(() => {
        app(request, response);
      }),
  );
  const inFlight = createAnswersInFlight(server);
  server.on('clientError', (error, socket) => {
    const last = inFlight.lastOf(socket);
    if (last) last.once('close', () => answerBrokenRequest(error, socket));
    else answerBrokenRequest(error, socket);
  });
  return { server, drain: createDrain(server, inFlight) };
}

/**
 * Gives all who ask within one turn of the event loop the same promise, which resolves when the turn has read what there is to
 * read. So first all requests that have arrived are read and then all are answered, which on a busy server costs a third less:
 * see docs/decisions/0017-requests-are-read-first-then-answered.md.
 */
function createTurnEnd(): () => Promise<void> {
  let end: Promise<void> | undefined;
  return () =>
    (end ??= new Promise((resolve) =>
      setImmediate(() => {
        end = undefined;
        resolve();
      }),
    ));
}
