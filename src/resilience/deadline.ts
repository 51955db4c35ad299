import { ApiError, CallerGoneError, isError } from '../errors';

/** A point in time by which work must be done. Its signal fires then, or when the work is not wanted any more. */
export interface Deadline {
  readonly signal: AbortSignal;
  remainingInMs(): number;
}

/** A deadline in the hands of the one who set it. */
export interface CancellableDeadline extends Deadline {
  /** Fires the signal: the work is not wanted any more. */
  cancel(reason: Error): void;
  /** The work is done. Without it the timer would outlive the work, and hold on to whatever listens. */
  stop(): void;
}

export function startDeadline(timeLimitInMs: number): CancellableDeadline {
  const end = performance.now() + timeLimitInMs;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(deadlineExceeded()), timeLimitInMs);
  return {
    signal: controller.signal,
    remainingInMs: () => Math.max(0, end - performance.now()),
    cancel(reason) {
      clearTimeout(timer);
      controller.abort(reason);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Runs work under a deadline, which is called off when `unwanted` fires. The work itself must heed the signal. */
export async function withDeadline<T>(
  timeLimitInMs: number,
  parentSignal: AbortSignal | undefined,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = startDeadline(timeLimitInMs);
  const onParentAbort = () => parentSignal && deadline.cancel(abortReason(parentSignal));
  if (parentSignal?.aborted) onParentAbort();
  else parentSignal?.addEventListener('abort', onParentAbort, { once: true });
  try {
    return await work(deadline);
  } finally {
    deadline.stop();
    parentSignal?.removeEventListener('abort', onParentAbort);
  }
}

/** Waits for `promise`, but no longer than `signal` allows: rejects with the signal's reason. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(abortReason(signal));
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Sleeps, or rejects with the signal's reason as soon as it fires. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const sleep = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await (signal ? withSignal(sleep, signal) : sleep).finally(() => clearTimeout(timer));
}

/** Waits for `work`, but no longer than that: it goes on all the same. */
export async function waitAtMost(work: Promise<void>, timeLimitInMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeLimitInMs)));
  await Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

/** True if the signal fired because nobody waits for the result any more, rather than for lack of time. */
export function isCallerGone(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof CallerGoneError;
}

/** Why the signal fired, as an error to throw. */
export function abortReason(signal: AbortSignal): Error {
  return isError(signal.reason) ? signal.reason : deadlineExceeded();
}

function deadlineExceeded(): ApiError {
  return new ApiError(
    'upstream_timeout',
    'The services behind this server did not answer in time. Nothing is wrong with your request: try again later.',
    { headers: { 'Retry-After': '2' } },
  );
}
