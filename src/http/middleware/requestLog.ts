import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { AuthenticatedUser } from '../../authentication/authenticatedUser';

/** Assigns a request id (`x-ms-request-id`) and logs each response. The query is not logged: it may contain tokens. */
export function createRequestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const requestId = randomUUID();
    response.locals.requestId = requestId;
    response.setHeader('x-ms-request-id', requestId);
    const { method, path } = request;
    const clientRequestId = clientRequestIdOf(request.headers['x-ms-client-request-id']);
    if (clientRequestId) response.setHeader('x-ms-client-request-id', clientRequestId);

    response.once('close', () => {
      log.info(
        {
          requestId,
          clientRequestId,
          method,
          path,
          status: response.writableFinished ? response.statusCode : 499,
          milliseconds: Math.round((performance.now() - startedAt) * 10) / 10,
          user:
            response.locals.caller instanceof AuthenticatedUser ? response.locals.caller.subject : undefined,
          error: errorCodeOf(response),
        },
        'request',
      );
    });
    next();
  };
}

export function requestIdOf(response: Response): string | undefined {
  return typeof response.locals.requestId === 'string' ? response.locals.requestId : undefined;
}

function errorCodeOf(response: Response): string | undefined {
  const code = response.getHeader('x-ms-error-code');
  return typeof code === 'string' ? code : undefined;
}

function clientRequestIdOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined;
}
