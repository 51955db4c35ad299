import { randomUUID } from 'node:crypto';
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Express, Request, Response } from 'express';

/** Room for two access tokens of a user in many groups; Node's own limit is half of it. */
const longestHeadersInBytes = 32 * 1024;

/**
 * An HTTP server for an Express app. Express exchanges the prototype of each request and response as they arrive, after which
 * V8 handles them as slow objects: that is more than half of the cost of a short request. Here they are born with the prototype
 * that Express is about to give them, so that the exchange changes nothing.
 */
export function createHttpServer(app: Express): Server {
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
  return server.on('clientError', answerBrokenRequest);
}

/**
 * Gives all who ask within one turn of the event loop the same promise, which resolves when the turn has read what there is to
 * read. So first all requests that have arrived are read and then all are answered, and either work finds its code in the
 * processor's caches: see docs/decisions/0017-requests-are-read-first-then-answered.md.
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

const brokenRequests: Readonly<Record<string, { status: string; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: `The headers of the request are too large: at most ${longestHeadersInBytes} bytes are read.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    message: 'The request took too long to arrive.',
  },
};

/** What is not HTTP never becomes a request, so that it is answered here, in the same shape. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, message } = brokenRequests[error.code ?? ''] ?? {
    status: '400 Bad Request',
    message: 'The request is malformed: it is not HTTP.',
  };
  const body = JSON.stringify({ error: { code: 'invalid_request', message } });
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'x-ms-error-code: invalid_request',
      `x-ms-request-id: ${randomUUID()}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
