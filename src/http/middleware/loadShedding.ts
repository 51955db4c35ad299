import type { RequestHandler } from 'express';
import { ApiError } from '../../errors';
import type { Log } from '../../log';

export interface LoadSheddingOptions {
  /** The delay of the event loop from which the server counts as overloaded; 0: never. */
  delayInMs: number;
  /** How many requests may be in flight; 0: any number. */
  maxInFlight: number;
  log: Log;
}

/** How often the delay is measured while requests arrive. */
const sampleIntervalInMs = 50;
/** A shorter delay is a burst, a garbage collection or the compiler: it passes by itself. */
const lastingInMs = 500;
const retryAfterInSeconds = 2;

/**
 * Rejects requests before the server does more work than it can finish in time: then every response would be late, and work for callers
 * who have given up would keep the others waiting. A rejection costs a small part of a request. Nothing is measured while no
 * request arrives.
 */
export function createLoadShedding({ delayInMs, maxInFlight, log }: LoadSheddingOptions): RequestHandler {
  const isOverloaded = delayInMs > 0 ? createDelayMonitor(delayInMs) : () => false;
  let inFlight = 0;
  let shedding = false;
  const setShedding = (now: boolean, reason: string) => {
    if (now === shedding) return;
    shedding = now;
    if (now) log.warn({ reason, inFlight }, 'overloaded: rejecting requests');
    else log.info({ inFlight }, 'no longer overloaded');
  };

  return (_request, response, next) => {
    const full = maxInFlight > 0 && inFlight >= maxInFlight;
    const overloaded = isOverloaded() || full;
    setShedding(overloaded, full ? 'requests in flight' : 'event loop delay');
    if (overloaded) {
      next(overloadedError());
      return;
    }
    inFlight += 1;
    response.once('close', () => (inFlight -= 1));
    next();
  };
}

function overloadedError(): ApiError {
  return new ApiError(
    'server_overloaded',
    'This server has more requests than it can answer in time. Wait for the time in Retry-After.',
    { headers: { 'Retry-After': String(retryAfterInSeconds) }, expected: true },
  );
}

/** Whether the event loop has been late for a while, at each sample; to be called with each request. */
function createDelayMonitor(limitInMs: number): () => boolean {
  let timer: NodeJS.Timeout | undefined;
  let requested = false;
  let lateSince: number | undefined;

  function sample(): void {
    requested = false;
    const due = performance.now() + sampleIntervalInMs;
    timer = setTimeout(() => {
      timer = undefined;
      const now = performance.now();
      const isLate = now - due > limitInMs;
      lateSince = isLate ? (lateSince ?? due) : undefined;
      if (requested) sample();
      else lateSince = undefined;
    }, sampleIntervalInMs);
    timer.unref();
  }

  return () => {
    requested = true;
    if (!timer) sample();
    return lateSince !== undefined && performance.now() - lateSince >= lastingInMs;
  };
}
