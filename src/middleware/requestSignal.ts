import type { Response } from 'express';
import { type Deadline, startDeadline } from '../concurrency/deadline';
import { CallerGoneError } from '../errors';

/** The deadline of one request: fires when its time is up, or when the caller has closed the connection. */
export function startRequestDeadline(response: Response, timeLimitInMs: number): Deadline {
  const callerGone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) callerGone.abort(new CallerGoneError());
  });
  return startDeadline(timeLimitInMs, callerGone.signal);
}
