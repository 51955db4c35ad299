import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  type FailureReason,
  handleWhen,
  type IBackoff,
  type IBreaker,
  type IHalfOpenAfterBackoffContext,
} from 'cockatiel';
import { CallerDisconnectedError, isError } from '../errors';
import type { Log } from '../log';
import type { CallTrace, Telemetry } from '../telemetry/telemetry';
import { LoadBreaker } from './loadBreaker';
import { UpstreamError, type UpstreamName } from './upstreamError';

export interface CircuitBreakerOptions {
  name: UpstreamName;
  log: Log;
  telemetry?: Telemetry | undefined;
}

/** The caller gave up after it had waited for the upstream longer than a healthy one takes. */
export class CallerGaveUpError extends CallerDisconnectedError {}

/** The circuit breakers of one upstream. */
export interface CircuitBreakers {
  /** Throws an UpstreamError whose cause is a BrokenCircuitError, without running `attempt`, while a breaker is open. */
  execute<T>(operation: string, attempt: () => Promise<T>, origin: AttemptOrigin): Promise<T>;
}

interface AttemptOrigin {
  /** The user or, if that is not known, the request that the attempt is made for: alone it never opens a breaker. */
  source: unknown;
  trace?: CallTrace | undefined;
}

export function createCircuitBreakers({ name, log, telemetry }: CircuitBreakerOptions): CircuitBreakers {
  /** Failures that do not count: their source has failed in the same second, or was throttled since the last success. */
  const repeated = new WeakSet<Error>();

  /**
   * Opens only under load (from 5 callers a second): the failures of a few must not reject the next one. While it is
   * open, one call at a time is let through as a probe; the first success closes it.
   */
  const health = createBreaker(
    new LoadBreaker(),
    (error, isProbe) => isOutage(error) && (isProbe || !repeated.has(error)),
  );
  health.onBreak(() => log.warn({ upstream: name }, 'circuit breaker opened'));
  health.onReset(() => log.info({ upstream: name }, 'circuit breaker closed'));
  telemetry?.observeBreaker({ upstream: name }, () => health.isOpen());

  /** One per operation, because each has its own quota. Opens when five sources in a row get a 429, with no success between. */
  const quotas = new Map<string, Quota>();
  function quotaOf(operation: string): Quota {
    const known = quotas.get(operation);
    if (known) return known;
    const throttled = new Set<unknown>();
    const breaker = createBreaker(
      new ConsecutiveBreaker(5),
      (error, isProbe) => isThrottling(error) && (isProbe || !repeated.has(error)),
    );
    breaker.onBreak(() => {
      throttled.clear();
      log.warn({ upstream: name, operation }, 'circuit breaker opened: throttled');
    });
    telemetry?.observeBreaker({ upstream: name, operation }, () => breaker.isOpen());
    const quota = { breaker, throttled };
    quotas.set(operation, quota);
    return quota;
  }

  const sources = createSourcesOfASecond();
  function isRepeated(error: Error, source: unknown, { throttled }: Quota): boolean {
    if (isOutage(error)) return !sources.add(source);
    if (!isThrottling(error)) return false;
    const known = throttled.has(source);
    throttled.add(source);
    return known;
  }

  async function markRepeated<T>(attempt: () => Promise<T>, source: unknown, quota: Quota): Promise<T> {
    try {
      const result = await attempt();
      quota.throttled.clear();
      return result;
    } catch (error) {
      if (isError(error) && isRepeated(error, source, quota)) repeated.add(error);
      throw error;
    }
  }

  return {
    async execute(operation, attempt, { source, trace }) {
      const quota = quotaOf(operation);
      try {
        return await quota.breaker.execute(() => health.execute(() => markRepeated(attempt, source, quota)));
      } catch (error) {
        if (!(error instanceof BrokenCircuitError)) throw error;
        trace?.rejectedByBreaker();
        const [status, breaker] = quota.breaker.isOpen() ? [429, quota.breaker] : [503, health];
        const retryAfterInSeconds = secondsUntil(breaker.openUntil());
        throw new UpstreamError(name, operation, { status, retryAfterInSeconds }, error);
      }
    },
  };
}

/** Whether the failure says that the upstream, rather than the request, has a problem. */
function isOutage(error: Error): boolean {
  if (error instanceof CallerGaveUpError) return true;
  return (
    error instanceof UpstreamError && error.code !== 'upstream_refused' && error.code !== 'upstream_throttled'
  );
}

function isThrottling(error: Error): boolean {
  return (
    error instanceof UpstreamError &&
    error.code === 'upstream_throttled' &&
    !error.details.limitsOnlyThisCaller
  );
}

/** The sources of failures in the current second. `add` returns false for a source that is known. */
function createSourcesOfASecond(): { add: (source: unknown) => boolean } {
  const sources = new Set<unknown>();
  let second = 0;
  return {
    add(source) {
      const now = Math.floor(performance.now() / 1_000);
      if (now !== second) sources.clear();
      second = now;
      if (sources.has(source)) return false;
      sources.add(source);
      return true;
    },
  };
}

/** With jitter, so that callers do not all return at the same time. */
function secondsUntil(time: number): number {
  const seconds = (Math.max(0, time - performance.now()) / 1_000) * (1 + 0.2 * Math.random());
  return Math.max(1, Math.ceil(seconds));
}

interface Quota {
  readonly breaker: Breaker;
  /** The sources that were throttled since the last success. */
  readonly throttled: Set<unknown>;
}

interface Breaker extends Pick<CircuitBreakerPolicy, 'onBreak' | 'onReset'> {
  execute<T>(work: () => Promise<T>): Promise<T>;
  isOpen(): boolean;
  /** The retry time given to callers, in `performance.now()`. */
  openUntil(): number;
}

const maxBreakInMs = 5_000;

/** A circuit breaker that lets a probe through after the upstream's Retry-After, but at least every few seconds. */
function createBreaker(breaker: IBreaker, opensOn: (error: Error, isProbe: boolean) => boolean): Breaker {
  let openUntil = 0;
  const next = ({ result }: IHalfOpenAfterBackoffContext): IBackoff<IHalfOpenAfterBackoffContext> => {
    const breakInMs = (upstreamErrorOf(result)?.details.retryAfterInSeconds ?? 1) * 1_000;
    const now = performance.now();
    openUntil = now + breakInMs;
    const probeAt = now + Math.min(breakInMs, maxBreakInMs);
    return {
      next,
      // cockatiel compares it with the time by the system clock, which may have been set back since.
      get duration() {
        return performance.now() < probeAt ? Infinity : -Infinity;
      },
    };
  };
  const policy: CircuitBreakerPolicy = circuitBreaker(
    // cockatiel takes any other error of a probe for a success.
    handleWhen((error) => {
      const isProbe = policy.state === CircuitState.HalfOpen;
      return opensOn(error, isProbe) || (isProbe && hasNoOutcome(error));
    }),
    { breaker, halfOpenAfter: { next } },
  );
  return {
    async execute(work) {
      // cockatiel would let all other calls wait for the probe, which takes seconds if the upstream hangs.
      if (policy.state === CircuitState.HalfOpen) throw new BrokenCircuitError();
      return policy.execute(work);
    },
    onBreak: policy.onBreak,
    onReset: policy.onReset,
    isOpen: () => policy.state !== CircuitState.Closed,
    openUntil: () => openUntil,
  };
}

/** The call ended before the upstream responded, or was not made. */
function hasNoOutcome(error: Error): boolean {
  return error instanceof CallerDisconnectedError || error instanceof BrokenCircuitError;
}

/** The failure that cockatiel reports to a backoff or a listener. */
export function upstreamErrorOf(result: FailureReason<unknown>): UpstreamError | undefined {
  return 'error' in result && result.error instanceof UpstreamError ? result.error : undefined;
}
