import { CallerGoneError } from '../errors';
import { type Deadline, withDeadline, withSignal } from './deadline';

/** Runs `work` for the first caller of a key and hands its outcome to all who ask while it is under way. */
export type SingleFlight<T> = (
  key: string,
  caller: AbortSignal,
  work: (deadline: Deadline) => Promise<T>,
) => Promise<T>;

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly abandoned: AbortController;
  callers: number;
  landed: boolean;
}

/**
 * A flight has a time limit of its own, so that a caller who gives up does not take the others down with it.
 * When the last caller has gone, the flight's signal fires and the work stops.
 */
export function createSingleFlight<T>(timeLimitInMs: number): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, work: (deadline: Deadline) => Promise<T>): Flight<T> {
    const abandoned = new AbortController();
    const outcome = withDeadline(timeLimitInMs, abandoned.signal, work);
    const flight: Flight<T> = { outcome, abandoned, callers: 0, landed: false };
    flights.set(key, flight);
    const land = () => {
      flight.landed = true;
      if (flights.get(key) === flight) flights.delete(key);
    };
    outcome.then(land, land);
    return flight;
  }

  return async (key, caller, work) => {
    const flight = flights.get(key) ?? start(key, work);
    flight.callers += 1;
    try {
      return await withSignal(flight.outcome, caller);
    } finally {
      flight.callers -= 1;
      if (flight.callers === 0 && !flight.landed) {
        // A later caller must not board a flight that is being called off.
        if (flights.get(key) === flight) flights.delete(key);
        flight.abandoned.abort(new CallerGoneError());
      }
    }
  };
}
