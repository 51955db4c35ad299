import type { Response } from 'express';

/**
 * Replaces Express's `json`, which takes a third of the time of a short request: it looks up settings, computes an ETag and
 * the content type, and copies the body into a buffer that needs a second write.
 */
export function sendJson(response: Response, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
