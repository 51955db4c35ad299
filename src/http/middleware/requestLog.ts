import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Log } from '../../log';
import { findCaller } from '../../authentication/authenticatedUser';
import type { RequestIds } from '../../resilience/requestIds';

const requestIdKey = 'communicationAuth.requestId';

/** Assigns a request id (`x-ms-request-id`) and logs each response. The query is not logged: it may contain tokens. */
export function createRequestLog(log: Log, requestIds?: RequestIds): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const requestId = randomUUID();
    response.locals[requestIdKey] = requestId;
    response.setHeader('x-ms-request-id', requestId);
    const { method } = request;
    const path = request.baseUrl + request.path;
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
          user: findCaller(response)?.subject,
          error: errorCodeOf(response),
        },
        'request',
      );
    });
    if (requestIds) requestIds.run(requestId, next);
    else next();
  };
}

export function requestIdOf(response: Response): string | undefined {
  const requestId: unknown = response.locals[requestIdKey];
  return typeof requestId === 'string' ? requestId : undefined;
}

function errorCodeOf(response: Response): string | undefined {
  const code = response.getHeader('x-ms-error-code');
  return typeof code === 'string' ? code : undefined;
}

function clientRequestIdOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined;
}
