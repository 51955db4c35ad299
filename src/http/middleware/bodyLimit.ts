import type { RequestHandler } from 'express';
import { ApiError } from '../../errors';

/** More than enough for the only body of this API, a Teams token. */
export const maxBodyBytes = 64 * 1024;

/**
 * Rejects a request whose Content-Length exceeds the limit, before its body is read. The connection stays open, and Node.js drops the body:
 * if it were closed while the client is sending, the client could lose the response.
 */
export const rejectLargeBody: RequestHandler = (request, _response, next) => {
  if (Number(request.headers['content-length'] ?? 0) <= maxBodyBytes) {
    next();
    return;
  }
  const message = `The request body is too large. The limit is ${maxBodyBytes} bytes.`;
  next(new ApiError('body_too_large', message, { target: 'body' }));
};
