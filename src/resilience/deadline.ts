import { ApiError, CallerDisconnectedError, isError } from '../errors';

/** The time by which work must be done. The signal aborts at that time, or earlier when the work is cancelled. */
export interface Deadline {
  readonly signal: AbortSignal;
  remainingInMs(): number;
}

/** A deadline as seen by its creator. */
export interface CancellableDeadline extends Deadline {
  /** Aborts the signal: the result is no longer needed. */
  cancel(reason: Error): void;
  /** Clears the timer. Call it when the work is done: the timer keeps the process and the signal's listeners alive. */
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

/** Runs work under a deadline, which is cancelled with `parentSignal`. The work itself must honor the signal. */
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

/** Waits for `promise`, or rejects with the signal's reason as soon as the signal aborts. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    // Without a handler its failure would end the process.
    promise.catch(() => undefined);
    return Promise.reject(abortReason(signal));
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Sleeps, or rejects with the signal's reason as soon as the signal aborts. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const sleep = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await (signal ? withSignal(sleep, signal) : sleep).finally(() => clearTimeout(timer));
}

/** Waits for `work`, but not longer than the time limit; false if it is not done then. The work itself continues. */
export async function waitAtMost(work: Promise<void>, timeLimitInMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), timeLimitInMs)));
  return Promise.race([work.then(() => true), limit]).finally(() => clearTimeout(timer));
}

/** True if the signal was aborted because no caller needs the result any more, rather than by a timeout. */
export function isCallerDisconnected(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof CallerDisconnectedError;
}

/** The reason of an aborted signal, as an error to throw. */
export function abortReason(signal: AbortSignal): Error {
  return isError(signal.reason) ? signal.reason : deadlineExceeded();
}

function deadlineExceeded(): ApiError {
  return new ApiError('upstream_timeout', 'The upstream services did not respond in time. Try again later.', {
    headers: { 'Retry-After': '2' },
  });
}
