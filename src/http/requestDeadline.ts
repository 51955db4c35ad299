import type { Response } from 'express';
import { type Deadline, startDeadline } from '../resilience/deadline';
import { CallerDisconnectedError } from '../errors';

const started = new WeakMap<Response, Deadline>();

/**
 * The deadline of one request: aborts on timeout, or when the client closes the connection. It starts with the first call; later ones
 * get the same. Throws if the client has already closed it, such as while its token was being verified: no event would follow.
 */
export function startRequestDeadline(response: Response, timeLimitInMs: number): Deadline {
  const existing = started.get(response);
  if (existing) return existing;
  if (response.req.socket.destroyed) throw new CallerDisconnectedError();
  const deadline = startDeadline(timeLimitInMs);
  started.set(response, deadline);
  response.once('close', () => {
    if (response.writableFinished) deadline.stop();
    else deadline.cancel(new CallerDisconnectedError());
  });
  return deadline;
}
