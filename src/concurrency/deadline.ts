import { ApiError, CallerGoneError, isError } from '../errors';

/** A point in time by which work must be done. Its signal fires then, or when the work is not wanted any more. */
export interface Deadline {
  readonly signal: AbortSignal;
  remainingInMs(): number;
}

/** Starts a deadline; its signal aborts with a `TimeoutError`, or with the reason of `unwanted`. */
export function startDeadline(timeLimitInMs: number, unwanted?: AbortSignal): Deadline {
  const end = performance.now() + timeLimitInMs;
  const timeout = AbortSignal.timeout(Math.ceil(timeLimitInMs));
  return {
    signal: unwanted ? AbortSignal.any([timeout, unwanted]) : timeout,
    remainingInMs: () => Math.max(0, end - performance.now()),
  };
}

/** Waits for `promise`, but no longer than `signal` allows: rejects with the signal's reason. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(reasonOf(signal));
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(reasonOf(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Sleeps, or rejects with the signal's reason as soon as it fires. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const sleep = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await withSignal(sleep, signal).finally(() => clearTimeout(timer));
}

/** True if the signal fired because nobody waits for the result any more, rather than for lack of time. */
export function isCallerGone(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof CallerGoneError;
}

/** Why the signal fired, as an error to throw: a lack of time is an ApiError. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  if (isError(reason) && reason.name !== 'TimeoutError') return reason;
  return new ApiError(
    'upstream_timeout',
    'The services behind this server did not answer in time. Nothing is wrong with your request: try again later.',
    { headers: { 'Retry-After': '2' }, cause: reason },
  );
}
