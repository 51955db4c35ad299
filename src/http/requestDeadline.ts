import type { Response } from 'express';
import { type Deadline, startDeadline } from '../resilience/deadline';
import { CallerDisconnectedError } from '../errors';

/** The deadline of one request: aborts on timeout, or when the client closes the connection. */
export function startRequestDeadline(response: Response, timeLimitInMs: number): Deadline {
  const deadline = startDeadline(timeLimitInMs);
  response.once('close', () => {
    if (response.writableFinished) deadline.stop();
    else deadline.cancel(new CallerDisconnectedError());
  });
  return deadline;
}
