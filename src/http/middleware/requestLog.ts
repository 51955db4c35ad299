import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Log } from '../../log';
import { withoutAddresses } from '../../logSafety';
import { findCaller } from '../../authentication/authenticatedUser';
import type { Telemetry } from '../../telemetry/telemetry';
import type { RequestScope } from '../../requestScope';

const requestIdKey = 'communicationAuth.requestId';
const errorReasonKey = 'communicationAuth.errorReason';

export interface RequestLogOptions {
  log: Log;
  scope?: RequestScope | undefined;
  telemetry?: Telemetry | undefined;
}

/**
 * Assigns a request id (`x-ms-request-id`), and logs and reports each response. The query is not logged: it may contain tokens.
 * Neither are addresses in the path. With a scope, all log lines of the request get its ids.
 */
export function createRequestLog({ log, scope, telemetry }: RequestLogOptions): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const requestId = randomUUID();
    response.locals[requestIdKey] = requestId;
    response.setHeader('x-ms-request-id', requestId);
    const { method, headers } = request;
    const path = request.baseUrl + request.path;
    const clientRequestId = clientRequestIdOf(headers['x-ms-client-request-id']);
    if (clientRequestId) response.setHeader('x-ms-client-request-id', clientRequestId);
    const isProbe = /^\/health\//i.test(path);
    const trace = telemetry?.startRequest({ method, secure: request.secure, headers, isProbe });
    const traceId = trace?.traceId ?? traceIdOf(headers.traceparent);

    response.once('close', () => {
      const status = response.writableFinished ? response.statusCode : 499;
      const errorCode = errorCodeOf(response);
      log.info(
        {
          requestId,
          clientRequestId,
          traceId,
          method,
          path: withoutAddresses(path),
          status,
          milliseconds: Math.round((performance.now() - startedAt) * 10) / 10,
          user: findCaller(response)?.subject,
          error: errorCode,
        },
        'request',
      );
      trace?.end({ status, route: routeOf(request), errorCode, reason: errorReasonOf(response) });
    });
    const traced = trace ? () => trace.run(next) : next;
    if (scope) scope.run({ requestId, clientRequestId, traceId }, traced);
    else traced();
  };
}

export function requestIdOf(response: Response): string | undefined {
  const requestId: unknown = response.locals[requestIdKey];
  return typeof requestId === 'string' ? requestId : undefined;
}

/** @param reason a more specific one than the error code */
export function setErrorReason(response: Response, reason: unknown): void {
  response.locals[errorReasonKey] = reason;
}

function errorReasonOf(response: Response): string | undefined {
  const reason: unknown = response.locals[errorReasonKey];
  return typeof reason === 'string' ? reason : undefined;
}

/** The path of the route: the path that the client sent may contain anything. */
function routeOf(request: Request): string | undefined {
  const route: unknown = request.route;
  if (typeof route !== 'object' || route === null || !('path' in route)) return undefined;
  const { path } = route;
  return typeof path === 'string' ? path : undefined;
}

function errorCodeOf(response: Response): string | undefined {
  const code = response.getHeader('x-ms-error-code');
  return typeof code === 'string' ? code : undefined;
}

function clientRequestIdOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const [, traceId] =
    /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/.exec(traceparent) ??
    [];
  return traceId;
}
