import type { RequestHandler } from 'express';

/** Responses contain tokens: they must not be cached (RFC 6749 section 5.1), rendered or sniffed. */
export const setSafeHeaders: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('Strict-Transport-Security', 'max-age=31536000');
  next();
};
