import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { ApiError, CallerGoneError, isError } from '../../errors';
import { requestIdOf } from './requestLog';
import { sendJson } from '../sendJson';

/** The one place where errors become HTTP, in the shape of the Microsoft REST API guidelines. */
export function createErrorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    if (error instanceof CallerGoneError || response.headersSent) {
      response.destroy();
      return;
    }
    const apiError = toApiError(error);
    if (apiError.status >= 500) {
      log.error({ requestId: requestIdOf(response), err: error }, 'request failed');
    }
    const { status, code, message, target, innererror, headers } = apiError;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('x-ms-error-code', code);
    sendJson(response, status, { error: { code, message, target, innererror } });
  };
}

/** Errors of Express and its body parser carry a 4xx status; all others are ours, and their words are not for callers. */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const status = isError(error) && 'status' in error ? Number(error.status) : 500;
  if (status === 413) {
    return new ApiError('body_too_large', 'The body of the request is too large.', {
      target: 'body',
      cause: error,
    });
  }
  if (status >= 400 && status < 500) {
    return new ApiError('invalid_request', 'The request is malformed: its body must be JSON in UTF-8.', {
      target: 'body',
      cause: error,
    });
  }
  return new ApiError(
    'internal_error',
    'Something went wrong in this server. Nothing is wrong with your request; its log says more, under the request id of this answer.',
    { cause: error },
  );
}
