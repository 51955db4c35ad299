import type { RequestHandler } from 'express';
import { ApiError } from '../../errors';
import type { Log } from '../../log';
import type { AcceptDelay } from '../server/acceptDelay';
import { createOverload } from './overload';

export interface LoadSheddingOptions {
  /** How long callers may wait for each other; 0: no limit. */
  maxWaitInMs: number;
  /** How many requests may be in flight; 0: no limit. */
  maxInFlight: number;
  acceptDelay?: AcceptDelay | undefined;
  log: Log;
}

const retryAfterInSeconds = 2;
const logIntervalInMs = 10_000;

/**
 * Rejects requests that the server could not handle in time. Otherwise every response would be late, and work for callers that have disconnected
 * would delay the others. A rejection costs a small part of a request.
 */
export function createLoadShedding({
  maxWaitInMs,
  maxInFlight,
  acceptDelay,
  log,
}: LoadSheddingOptions): RequestHandler {
  const overload = maxWaitInMs > 0 ? createOverload(acceptDelay) : undefined;
  let inFlight = 0;
  let rejected = 0;
  let lastLoggedAt = -Infinity;
  function reject(reason: string): ApiError {
    rejected += 1;
    const now = performance.now();
    if (now - lastLoggedAt >= logIntervalInMs) {
      log.warn({ reason, inFlight, rejected }, 'overloaded: rejecting requests');
      lastLoggedAt = now;
      rejected = 0;
    }
    return overloadedError();
  }

  return (_request, response, next) => {
    const full = maxInFlight > 0 && inFlight >= maxInFlight;
    if (full || (overload && overload.waitInMs(inFlight) > maxWaitInMs)) {
      next(reject(full ? 'requests in flight' : 'waiting time'));
      return;
    }
    inFlight += 1;
    response.once('close', () => {
      inFlight -= 1;
      if (response.writableFinished) overload?.onCompleted();
    });
    next();
  };
}

function overloadedError(): ApiError {
  return new ApiError(
    'server_overloaded',
    'This server has more requests than it can handle in time. Wait for the time in Retry-After.',
    { headers: { 'Retry-After': String(retryAfterInSeconds) }, expected: true },
  );
}
