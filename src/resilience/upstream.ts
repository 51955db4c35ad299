import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  type FailureReason,
  handleWhen,
  type IBreaker,
  retry,
} from 'cockatiel';
import type { Log } from '../log';
import { withoutAddresses } from '../logSafety';
import { type Deadline, isCallerGone, abortReason, withDeadline, withSignal } from './deadline';
import { ApiError } from '../errors';
import type { CallTrace, Telemetry } from '../telemetry/telemetry';
import type { Timings } from '../timings';
import { LoadBreaker } from './loadBreaker';
import { type FailureFacts, UpstreamError, type UpstreamName } from './upstreamError';

export interface CallOptions<T> {
  deadline: Deadline;
  /**
   * `any_failure`: retry after any transient failure, for calls that are safe to repeat.
   * `not_applied`: retry only if the failed call definitely had no effect.
   * `never`: the caller decides.
   */
  retryOn: 'any_failure' | 'not_applied' | 'never';
  /** Converts an error of the SDK. */
  describe: (error: unknown) => FailureFacts;
  /**
   * For calls that create something: after the deadline the call continues in the background, and a late result is passed
   * to this function.
   */
  onLateResult?: (result: T) => void;
}

/**
 * One of the three upstream services. `call` adds time limits, retries and circuit breakers; those of the SDKs are not used.
 */
export interface Upstream {
  /** Throws UpstreamError, or the ApiError that `attempt` throws. */
  call<T>(
    operation: string,
    options: CallOptions<T>,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
}

const maxRetries = 2;
const maxBreakInMs = 5_000;

export interface UpstreamOptions {
  name: UpstreamName;
  timings: Timings['upstream'];
  log: Log;
  telemetry?: Telemetry | undefined;
}

export function createUpstream({ name, timings, log, telemetry }: UpstreamOptions): Upstream {
  /**
   * Opens only under load (from 5 calls a second): the failures of a few requests must not reject the next one. While it is
   * open, one call at a time is let through as a probe; the first success closes it.
   */
  const health = createBreaker(
    new LoadBreaker(),
    ({ code }) => code !== 'upstream_refused' && code !== 'upstream_throttled',
  );
  health.onBreak(() => log.warn({ upstream: name }, 'circuit breaker opened'));
  health.onReset(() => log.info({ upstream: name }, 'circuit breaker closed'));
  telemetry?.observeBreaker({ upstream: name }, () => health.isOpen());

  /** One per operation, because each has its own quota. Consecutive 429 responses mean that the quota is used up. */
  const throttleBreakers = new Map<string, Breaker>();
  function throttleBreakerFor(operation: string): Breaker {
    const known = throttleBreakers.get(operation);
    if (known) return known;
    const throttleBreaker = createBreaker(
      new ConsecutiveBreaker(5),
      ({ code }) => code === 'upstream_throttled',
    );
    throttleBreaker.onBreak(() =>
      log.warn({ upstream: name, operation }, 'circuit breaker opened: throttled'),
    );
    telemetry?.observeBreaker({ upstream: name, operation }, () => throttleBreaker.isOpen());
    throttleBreakers.set(operation, throttleBreaker);
    return throttleBreaker;
  }

  function circuitOpenError(
    operation: string,
    code: 'upstream_unavailable' | 'upstream_throttled',
    until: number,
    cause: unknown,
  ) {
    // Jitter, so that callers do not all return at the same time.
    const secondsLeft = (Math.max(0, until - Date.now()) / 1_000) * (1 + 0.2 * Math.random());
    const status = code === 'upstream_throttled' ? 429 : 503;
    return new UpstreamError(
      name,
      operation,
      { status, retryAfterInSeconds: Math.max(1, Math.ceil(secondsLeft)) },
      cause,
    );
  }

  async function attemptOnce<T>(
    operation: string,
    { deadline, describe, onLateResult }: CallOptions<T>,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now();
    const timeLimitInMs = Math.min(timings.attemptInMs, deadline.remainingInMs());
    let signal = deadline.signal;
    try {
      return await withDeadline(timeLimitInMs, deadline.signal, async (attemptDeadline) => {
        signal = attemptDeadline.signal;
        signal.throwIfAborted();
        return onLateResult
          ? awaitOrDetach(attempt, signal, timings.detachedCallInMs, onLateResult)
          : attempt(signal);
      });
    } catch (error) {
      if (isCallerGone(deadline.signal)) throw abortReason(deadline.signal);
      const isForCaller = error instanceof ApiError && !(error instanceof UpstreamError);
      if (isForCaller && !signal.aborted) throw error;
      const failure =
        error instanceof UpstreamError
          ? error
          : new UpstreamError(
              name,
              operation,
              signal.aborted ? { transportFailure: 'timed_out' } : describe(error),
              error,
            );
      const { message, ...facts } = failure.facts;
      log.warn(
        {
          upstream: name,
          operation,
          failure: { ...facts, message: message && withoutAddresses(message) },
          milliseconds: Math.round(performance.now() - startedAt),
        },
        'call to upstream failed',
      );
      throw failure;
    }
  }

  /** @param trace absent while telemetry is off */
  async function callWithRetries<T>(
    operation: string,
    options: CallOptions<T>,
    attempt: (signal: AbortSignal) => Promise<T>,
    trace?: CallTrace,
  ): Promise<T> {
    const { deadline, retryOn } = options;
    const isRetryable = (error: Error) =>
      error instanceof UpstreamError &&
      !(error.cause instanceof BrokenCircuitError) &&
      error.transient &&
      (retryOn === 'any_failure' || (retryOn === 'not_applied' && error.definitelyNotApplied)) &&
      (error.facts.retryAfterInSeconds ?? 0) * 1_000 + timings.minAttemptInMs < deadline.remainingInMs();

    const retries = retry(handleWhen(isRetryable), {
      maxAttempts: maxRetries,
      backoff: new DelegateBackoff(({ attempt: retryCount, result }) =>
        retryDelayInMs(timings, retryCount, result),
      ),
    });
    if (trace) {
      retries.onRetry(({ attempt: retryCount, delay, ...failure }) => {
        const error = 'error' in failure ? failure.error : undefined;
        if (error instanceof UpstreamError) trace.retried(retryCount, delay, error);
      });
    }
    const throttleBreaker = throttleBreakerFor(operation);
    return retries.execute(async () => {
      try {
        return await throttleBreaker.execute(() =>
          health.execute(() => attemptOnce(operation, options, attempt)),
        );
      } catch (error) {
        if (!(error instanceof BrokenCircuitError)) throw error;
        trace?.rejectedByBreaker();
        throw throttleBreaker.isOpen()
          ? circuitOpenError(operation, 'upstream_throttled', throttleBreaker.openUntil(), error)
          : circuitOpenError(operation, 'upstream_unavailable', health.openUntil(), error);
      }
    }, deadline.signal);
  }

  return {
    call: (operation, options, attempt) =>
      telemetry
        ? telemetry.traceCall({ upstream: name, operation }, (trace) =>
            callWithRetries(operation, options, attempt, trace),
          )
        : callWithRetries(operation, options, attempt),
  };
}

async function awaitOrDetach<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  timeLimitInMs: number,
  onLateResult: (result: T) => void,
): Promise<T> {
  const running = withDeadline(timeLimitInMs, undefined, (detached) => attempt(detached.signal));
  try {
    return await withSignal(running, signal);
  } catch (error) {
    if (signal.aborted) void running.then(onLateResult, () => undefined);
    throw error;
  }
}

interface Breaker extends Pick<CircuitBreakerPolicy, 'execute' | 'onBreak' | 'onReset'> {
  isOpen(): boolean;
  /** The retry time given to callers, in milliseconds since 1970. */
  openUntil(): number;
}

/** A circuit breaker that lets a probe through after the upstream's Retry-After, but at least every few seconds. */
function createBreaker(breaker: IBreaker, opensOn: (error: UpstreamError) => boolean): Breaker {
  let openUntil = 0;
  const policy = circuitBreaker(
    handleWhen((error) => error instanceof UpstreamError && opensOn(error)),
    {
      breaker,
      halfOpenAfter: new DelegateBackoff(({ result }) => {
        const breakInMs = (retryAfterOf(result) ?? 1) * 1_000;
        openUntil = Date.now() + breakInMs;
        return Math.min(breakInMs, maxBreakInMs);
      }),
    },
  );
  return {
    execute: (work, signal) => policy.execute(work, signal),
    onBreak: policy.onBreak,
    onReset: policy.onReset,
    isOpen: () => policy.state !== CircuitState.Closed,
    openUntil: () => openUntil,
  };
}

function retryAfterOf(result: FailureReason<unknown>): number | undefined {
  return 'error' in result && result.error instanceof UpstreamError
    ? result.error.facts.retryAfterInSeconds
    : undefined;
}

/**
 * 100 ms, then 300 ms; 1 s if the service throttles without Retry-After. With jitter of ±50 %, so that calls that failed
 * together are not retried together.
 */
function retryDelayInMs(
  timings: Timings['upstream'],
  retryCount: number,
  result: FailureReason<unknown>,
): number {
  const requestedDelayInSeconds = retryAfterOf(result);
  if (requestedDelayInSeconds !== undefined) return requestedDelayInSeconds * 1_000 + 100 * Math.random();
  const throttled =
    'error' in result && result.error instanceof UpstreamError && result.error.code === 'upstream_throttled';
  const baseDelayInMs = throttled
    ? timings.throttledRetryDelayInMs
    : timings.retryDelaysInMs[retryCount === 1 ? 0 : 1];
  return baseDelayInMs * (0.5 + Math.random());
}
