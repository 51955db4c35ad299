import { BrokenCircuitError, DelegateBackoff, type FailureReason, handleWhen, retry } from 'cockatiel';
import type { Log } from '../log';
import { withoutAddresses } from '../logSafety';
import { type Deadline, isCallerDisconnected, abortReason, withDeadline, withSignal } from './deadline';
import { ApiError } from '../errors';
import type { CallTrace, Telemetry } from '../telemetry/telemetry';
import type { Timings } from '../timings';
import { CallerGaveUpError, createCircuitBreakers, upstreamErrorOf } from './circuitBreakers';
import { type FailureDetails, UpstreamError, type UpstreamName } from './upstreamError';

export interface CallOptions<T> {
  deadline: Deadline;
  /** The user for whom the call is made, as a key: the failures of one user must not look like an outage. */
  caller?: string | undefined;
  /**
   * `any_failure`: retry after any transient failure, for calls that are safe to repeat.
   * `not_applied`: retry only if the failed call definitely had no effect.
   * `never`: the caller decides.
   */
  retryOn: 'any_failure' | 'not_applied' | 'never';
  /** Called before a retry. If it returns a result, that becomes the result of the call, and there is no retry. */
  beforeRetry?: (() => Promise<T | undefined>) | undefined;
  /** Converts an error of the SDK. */
  describe: (error: unknown) => FailureDetails;
  /**
   * For calls that create something: after the deadline the call continues in the background, and is passed to this
   * function, which handles its late result and its failure.
   */
  onLateResult?: (result: Promise<T>) => void;
}

/** An upstream service. `call` adds time limits, retries and circuit breakers; those of the SDKs are not used. */
export interface Upstream {
  /** Throws UpstreamError, or the ApiError that `attempt` throws. */
  call<T>(
    operation: string,
    options: CallOptions<T>,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
}

const maxRetries = 2;

/** If a caller disconnects after waiting this long for an attempt, that is a failure of the upstream. */
const gaveUpAfterInMs = 1_000;

export interface UpstreamOptions {
  name: UpstreamName;
  timings: Timings['upstream'];
  log: Log;
  telemetry?: Telemetry | undefined;
}

export function createUpstream({ name, timings, log, telemetry }: UpstreamOptions): Upstream {
  const breakers = createCircuitBreakers({ name, log, telemetry });

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
      if (isCallerDisconnected(deadline.signal)) {
        const gaveUp = performance.now() - startedAt >= gaveUpAfterInMs;
        throw gaveUp ? new CallerGaveUpError() : abortReason(deadline.signal);
      }
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
      const { message, ...details } = failure.details;
      log.warn(
        {
          upstream: name,
          operation,
          failure: { ...details, message: message && withoutAddresses(message) },
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
    const { deadline, retryOn, caller: source = deadline } = options;
    const isRetryable = (error: Error) =>
      error instanceof UpstreamError &&
      !(error.cause instanceof BrokenCircuitError) &&
      error.transient &&
      (retryOn === 'any_failure' || (retryOn === 'not_applied' && error.definitelyNotApplied)) &&
      (error.details.retryAfterInSeconds ?? 0) * 1_000 + timings.minAttemptInMs < deadline.remainingInMs();

    const retries = retry(handleWhen(isRetryable), {
      maxAttempts: maxRetries,
      backoff: new DelegateBackoff(({ attempt: retryCount, result }) =>
        retryDelayInMs(timings, retryCount, result),
      ),
    });
    if (trace) {
      retries.onRetry(({ attempt: retryCount, delay, ...failure }) => {
        const error = upstreamErrorOf(failure);
        if (error) trace.retried(retryCount, delay, error);
      });
    }
    return retries.execute(async ({ attempt: retryCount }) => {
      const known = retryCount > 0 ? await options.beforeRetry?.() : undefined;
      return (
        known ??
        breakers.execute(operation, () => attemptOnce(operation, options, attempt), { source, trace })
      );
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
  onLateResult: (result: Promise<T>) => void,
): Promise<T> {
  const running = withDeadline(timeLimitInMs, undefined, (detached) => attempt(detached.signal));
  try {
    return await withSignal(running, signal);
  } catch (error) {
    if (signal.aborted) onLateResult(running);
    throw error;
  }
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
  const error = upstreamErrorOf(result);
  const requestedDelayInSeconds = error?.details.retryAfterInSeconds;
  if (requestedDelayInSeconds !== undefined) return requestedDelayInSeconds * 1_000 + 100 * Math.random();
  const baseDelayInMs =
    error?.code === 'upstream_throttled'
      ? timings.throttledRetryDelayInMs
      : timings.retryDelaysInMs[retryCount === 1 ? 0 : 1];
  return baseDelayInMs * (0.5 + Math.random());
}
