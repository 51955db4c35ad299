import type { ErrorRequestHandler } from 'express';
import type { Log } from '../../log';
import { ApiError, CallerDisconnectedError, isError } from '../../errors';
import { maxBodyBytes } from './bodyLimit';
import { requestIdOf, setErrorReason } from './requestLog';
import { sendJson } from '../sendJson';

/**
 * Converts errors to responses in the format of the Microsoft REST API guidelines.
 *
 * @param documentation the page that explains the error codes, each under its own anchor
 */
export function createErrorHandler(log: Log, documentation?: string): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    if (error instanceof CallerDisconnectedError || response.headersSent) {
      response.destroy();
      return;
    }
    const apiError = toApiError(error);
    if (apiError.isFailure) {
      log.error({ requestId: requestIdOf(response), err: error }, 'request failed');
    }
    const { status, code, message, target, innererror, headers } = apiError;
    setErrorReason(response, innererror?.code);
    // The response may have been begun as one that may be cached, such as a file of /docs.
    response.setHeader('Cache-Control', 'no-store');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('x-ms-error-code', code);
    const link = documentation === undefined ? undefined : `${documentation}#${code}`;
    sendJson(response, status, { error: { code, message, target, innererror, documentation: link } });
  };
}

/**
 * Errors of Express, such as for a path that cannot be decoded, of its body parser and of its file server have a 4xx status. All others are
 * internal, and their messages stay in the log.
 */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const status = isError(error) && 'status' in error ? Number(error.status) : 500;
  if (status === 413) {
    return new ApiError(
      'body_too_large',
      `The request body is too large. The limit is ${maxBodyBytes} bytes.`,
      {
        target: 'body',
        cause: error,
      },
    );
  }
  if (status === 400 && error instanceof URIError) {
    return new ApiError('invalid_request', 'The path is malformed: it has a % that encodes no character.', {
      target: 'path',
      cause: error,
    });
  }
  if (status === 412 || status === 416) {
    return new ApiError(
      'invalid_request',
      'The request asks for a version or a part of a file that does not exist. Send it without Range, If-Match and If-Unmodified-Since.',
      { cause: error },
    );
  }
  if (status >= 400 && status < 500) {
    return new ApiError('invalid_request', 'The request body is malformed. Send JSON in UTF-8.', {
      target: 'body',
      cause: error,
    });
  }
  return new ApiError(
    'internal_error',
    'Internal server error. The operator can find the cause in the log under the request ID of this response.',
    { cause: error },
  );
}
