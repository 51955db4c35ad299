import type { AcceptDelay } from '../server/acceptDelay';

/** How often the event loop is sampled while requests arrive. */
const sampleIntervalInMs = 100;
/** A shorter saturation comes from a burst, garbage collection or the compiler, and passes by itself. */
const minSaturationInMs = 500;
/** The rate is taken over the last seconds: it must follow changes, but not every pause. */
const rateWindowInMs = 4_000;
/** The share of time that the event loop does not wait for events. */
const saturatedUtilization = 0.95;
/** This many requests in flight are no overload, even if the first responses are slow. */
const alwaysServed = 64;
/**
 * How much of its work a request that came since the saturation has done, at least on average. Those of a burst wait for their upstreams
 * together and are completed together: without this, the rate would be 0 until then.
 */
const shareDoneInFlight = 0.25;
/** Counts as many requests and as much time, so that the cost of a request is not taken from a few: 4 ms. */
const assumed = { requests: 100, inMs: 400 };

/** The beginning of an interval in which the event loop was saturated. */
interface Sample {
  readonly at: number;
  /** Requests completed since the start. */
  readonly completed: number;
  readonly inFlight: number;
}

/** How long requests wait for each other. */
export interface Overload {
  /** Call it for each request that was completed. */
  onCompleted(): void;
  /**
   * How long a caller waits for the response, or for the server to accept the connection, whichever is longer. 0 unless the event loop is
   * saturated, because otherwise requests wait for upstreams. Call it for each request.
   */
  waitInMs(inFlight: number): number;
}

/**
 * Uses no timer while no request arrives.
 *
 * @param acceptDelay absent if the HTTP server is not ours
 */
export function createOverload(acceptDelay: AcceptDelay | undefined): Overload {
  let completed = 0;
  let lastInFlight = 0;
  let requested = false;
  let timer: NodeJS.Timeout | undefined;
  let utilization = performance.eventLoopUtilization();
  let begin: Sample = { at: 0, completed: 0, inFlight: 0 };
  /** Since the event loop became saturated; empty if it is not. */
  let samples: Sample[] = [];

  function sample(): void {
    timer = undefined;
    const isSaturated = performance.eventLoopUtilization(utilization).utilization >= saturatedUtilization;
    if (!isSaturated || !requested) samples = [];
    else samples = [...samples.filter(({ at }) => at > begin.at - rateWindowInMs), begin];
    if (requested) schedule();
  }

  function schedule(): void {
    requested = false;
    utilization = performance.eventLoopUtilization();
    begin = { at: performance.now(), completed, inFlight: lastInFlight };
    timer = setTimeout(sample, sampleIntervalInMs).unref();
  }

  return {
    onCompleted: () => void (completed += 1),
    waitInMs(inFlight) {
      requested = true;
      lastInFlight = inFlight;
      if (!timer) schedule();
      const [first] = samples;
      const elapsedInMs = first ? performance.now() - first.at : 0;
      if (!first || elapsedInMs < minSaturationInMs) return 0;
      const doneInFlight = Math.max(0, inFlight - first.inFlight) * shareDoneInFlight;
      const done = completed - first.completed + doneInFlight;
      const costInMs = (elapsedInMs + assumed.inMs) / (done + assumed.requests);
      // No one has to wait for work that is already done.
      const responseInMs = inFlight < alwaysServed ? 0 : (inFlight - doneInFlight) * costInMs;
      return Math.max(responseInMs, acceptDelay?.inMs() ?? 0);
    },
  };
}
