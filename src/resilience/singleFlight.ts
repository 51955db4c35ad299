import { CallerGoneError } from '../errors';
import { type Deadline, withDeadline, withSignal } from './deadline';

/** Runs `work` for the first caller of a key; callers that arrive while it is in flight get the same outcome. */
export type SingleFlight<T> = (
  key: string,
  caller: AbortSignal,
  work: (deadline: Deadline) => Promise<T>,
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

  function start(key: string, work: (deadline: Deadline) => Promise<T>): InFlightWork<T> {
    const cancellation = new AbortController();
    const outcome = withDeadline(timeLimitInMs, cancellation.signal, work);
    const inFlight: InFlightWork<T> = { outcome, cancellation, callers: 0, settled: false };
    inFlightByKey.set(key, inFlight);
    const settle = () => {
      inFlight.settled = true;
      if (inFlightByKey.get(key) === inFlight) inFlightByKey.delete(key);
    };
    outcome.then(settle, settle);
    return inFlight;
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
        inFlight.cancellation.abort(new CallerGoneError());
      }
    }
  };
}
