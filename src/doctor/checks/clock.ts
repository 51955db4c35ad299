import { type Check, ok, problem, skipped, warning } from '../check';

/** Beyond it tokens and signed requests to ACS are rejected. */
const maxSkewInSeconds = 300;
const warnSkewInSeconds = 60;
const remedy = 'Synchronize the clock with NTP.';

/** Compares our clock with those of the services that have responded so far. */
export function createClockCheck(clocksAheadInMs: ReadonlyMap<string, number>): Check {
  return {
    name: 'clock',
    group: 'This machine',
    run() {
      const [largest] = [...clocksAheadInMs].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
      if (!largest) return skipped('not checked: no service could be reached');
      const [service, aheadInMs] = largest;
      const seconds = Math.abs(Math.round(aheadInMs / 1_000));
      const difference = `this machine is ${duration(seconds)} ${aheadInMs > 0 ? 'behind' : 'ahead of'} ${service}`;
      if (seconds >= maxSkewInSeconds) return problem(`${difference}: tokens will be rejected`, remedy);
      if (seconds >= warnSkewInSeconds) return warning(`${difference}; five minutes are tolerated`, remedy);
      return ok(`agrees with ${[...clocksAheadInMs.keys()].join(' and ')} within ${Math.max(seconds, 1)} s`);
    },
  };
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
}
