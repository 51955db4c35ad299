import { CallerDisconnectedError } from '../errors';
import { type Deadline, withDeadline, withSignal } from './deadline';

/**
 * Runs `work` for the first caller of a key; callers that arrive while it is in flight get the same outcome. Work whose outcome
 * may already be out of date for a later caller calls `acceptNoMoreCallers` when it begins to read: the next caller runs its own.
 */
export type SingleFlight<T> = (
  key: string,
  caller: AbortSignal,
  work: (deadline: Deadline, acceptNoMoreCallers: () => void) => Promise<T>,
) => Promise<T>;

interface InFlightWork<T> {
  readonly outcome: Promise<T>;
  readonly cancellation: AbortController;
  callers: number;
  settled: boolean;
}

/**
 * The work has its own time limit, so that a caller that gives up does not cancel it for the others. It is cancelled when
 * the last caller has gone.
 */
export function createSingleFlight<T>(timeLimitInMs: number): SingleFlight<T> {
  const inFlightByKey = new Map<string, InFlightWork<T>>();

  function start(key: string, work: Parameters<SingleFlight<T>>[2]): InFlightWork<T> {
    const cancellation = new AbortController();
    const state = { acceptsCallers: true };
    const close = () => {
      state.acceptsCallers = false;
      if (inFlightByKey.get(key)?.cancellation === cancellation) inFlightByKey.delete(key);
    };
    const outcome = withDeadline(timeLimitInMs, cancellation.signal, (deadline) => work(deadline, close));
    const started: InFlightWork<T> = { outcome, cancellation, callers: 0, settled: false };
    if (state.acceptsCallers) inFlightByKey.set(key, started);
    const settle = () => {
      started.settled = true;
      close();
    };
    outcome.then(settle, settle);
    return started;
  }

  return async (key, caller, work) => {
    const inFlight = inFlightByKey.get(key) ?? start(key, work);
    inFlight.callers += 1;
    try {
      return await withSignal(inFlight.outcome, caller);
    } finally {
      inFlight.callers -= 1;
      if (inFlight.callers === 0 && !inFlight.settled) {
        // A later caller must not join work that is being cancelled.
        if (inFlightByKey.get(key) === inFlight) inFlightByKey.delete(key);
        inFlight.cancellation.abort(new CallerDisconnectedError());
      }
    }
  };
}
