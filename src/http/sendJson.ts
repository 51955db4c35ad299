import type { Response } from 'express';

/**
 * Express's own `json` takes a third of the time of a short request (settings, ETag, content type, a copy into a buffer and
 * with it a second write); none of that is needed here.
 */
export function sendJson(response: Response, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
