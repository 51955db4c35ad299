import cors from 'cors';
import type { RequestHandler } from 'express';

/** Any port of this machine, as browsers write it. */
const loopback = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Allows browser apps from these origins to call, and to read the headers that they need for error handling.
 *
 * @param origins also `*` for all, and `loopback` for all on this machine
 */
export function createCors(origins: readonly string[]): RequestHandler {
  return cors({
    origin: origins.includes('*')
      ? '*'
      : origins.map((origin) => (origin === 'loopback' ? loopback : origin)),
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Cache-Control',
      'teams-user-aad-token',
      'x-ms-client-request-id',
      'traceparent',
      'tracestate',
    ],
    exposedHeaders: ['WWW-Authenticate', 'Retry-After', 'x-ms-request-id', 'x-ms-error-code'],
    maxAge: 86_400,
  });
}
