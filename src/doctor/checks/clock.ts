import { type Check, ok, problem, skipped, warning } from '../check';

/** Beyond it tokens are refused, and so are signed requests to ACS. */
const toleratedInSeconds = 300;
const noticedInSeconds = 60;
const advice = 'Let the machine set its clock by the network (NTP).';

/** Holds our clock against those of the services that have answered so far. */
export function createClockCheck(clocksAheadInMs: ReadonlyMap<string, number>): Check {
  return {
    name: 'clock',
    run() {
      const [furthest] = [...clocksAheadInMs].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
      if (!furthest) return skipped('no service has said what time it is');
      const [service, aheadInMs] = furthest;
      const seconds = Math.abs(Math.round(aheadInMs / 1_000));
      const difference = `this machine is ${duration(seconds)} ${aheadInMs > 0 ? 'behind' : 'ahead of'} ${service}`;
      if (seconds >= toleratedInSeconds) return problem(`${difference}: tokens will be refused`, advice);
      if (seconds >= noticedInSeconds) return warning(`${difference}; five minutes are tolerated`, advice);
      return ok(`agrees with ${[...clocksAheadInMs.keys()].join(' and ')} within ${Math.max(seconds, 1)} s`);
    },
  };
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
}
