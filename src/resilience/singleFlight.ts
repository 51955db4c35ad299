import { CallerGoneError } from '../errors';
import { type Deadline, withDeadline, withSignal } from './deadline';

/** Runs `work` for the first caller of a key and hands its outcome to all who ask while it is under way. */
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
 * A flight has a time limit of its own, so that a caller who gives up does not take the others down with it.
 * When the last caller has gone, the flight's signal fires and the work stops.
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
        // A later caller must not board a flight that is being called off.
        if (inFlightByKey.get(key) === inFlight) inFlightByKey.delete(key);
        inFlight.cancellation.abort(new CallerGoneError());
      }
    }
  };
}
