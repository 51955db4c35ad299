import type { RequestHandler } from 'express';
import { ApiError } from '../../errors';

/** Room for two JSON Web Tokens and then some: nothing that this API takes is larger. */
export const maxBodyBytes = 64 * 1024;

/** Turns a body away that announces itself as too large, before anything of it is read. */
export const rejectLargeBody: RequestHandler = (request, _response, next) => {
  if (Number(request.headers['content-length'] ?? 0) <= maxBodyBytes) {
    next();
    return;
  }
  const message = `The body of the request is too large: at most ${maxBodyBytes} bytes are read.`;
  next(new ApiError('body_too_large', message, { target: 'body', headers: { Connection: 'close' } }));
};
