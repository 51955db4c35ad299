import type { Emulator } from '../../emulator/startEmulator';
import { defaultTimings, type RepeatedReads, type Timings } from '../../src/timings';

/** The waits of the server and of the emulator are scaled by the same factor. */
export const timeScale = 1 / 4;

const scaled = (milliseconds: number) => milliseconds * timeScale;
const scaledReads = ({ reads, pauseInMs }: RepeatedReads) => ({ reads, pauseInMs: scaled(pauseInMs) });

const { requestInMs, workInMs, reuseCheckInMs, upstream, mappings, table, orphanCleanup, signingKeys } =
  defaultTimings;

/**
 * Waits are short, but the time limit of a request is not, so that no result depends on the speed of the machine. The times for
 * signing keys are unchanged: tests move the clock.
 */
export const fastTimings: Timings = {
  requestInMs,
  workInMs,
  reuseCheckInMs,
  upstream: {
    attemptInMs: upstream.attemptInMs,
    minAttemptInMs: scaled(upstream.minAttemptInMs),
    detachedCallInMs: scaled(upstream.detachedCallInMs),
    retryDelaysInMs: [scaled(upstream.retryDelaysInMs[0]), scaled(upstream.retryDelaysInMs[1])],
    throttledRetryDelayInMs: scaled(upstream.throttledRetryDelayInMs),
  },
  mappings: {
    conflictPauseInMs: scaled(mappings.conflictPauseInMs),
    staleRead: scaledReads(mappings.staleRead),
    pendingDeletion: scaledReads(mappings.pendingDeletion),
  },
  table: {
    attemptInMs: table.attemptInMs,
    firstRetryDelayInMs: scaled(table.firstRetryDelayInMs),
    maxRetryDelayInMs: scaled(table.maxRetryDelayInMs),
  },
  orphanCleanup: {
    retryDelaysInMs: orphanCleanup.retryDelaysInMs.map(scaled),
    attemptInMs: scaled(orphanCleanup.attemptInMs),
    maxResponseDelayInMs: scaled(orphanCleanup.maxResponseDelayInMs),
  },
  telemetry: { spanExportIntervalInMs: 20, metricExportIntervalInMs: 100, stopInMs: 500 },
  signingKeys,
};

/** For tests with so many concurrent requests that a busy machine needs more time than a caller would wait. */
export const longTimeoutTimings: Timings = {
  ...fastTimings,
  requestInMs: 100_000,
  workInMs: 95_000,
  upstream: { ...fastTimings.upstream, attemptInMs: 60_000, detachedCallInMs: 90_000 },
};

const shortTimeoutInMs = 101;

/** For tests in which an upstream never responds: each attempt times out soon, the request has time for all of them. */
export const shortTimeoutTimings: Timings = {
  ...longTimeoutTimings,
  upstream: { ...fastTimings.upstream, attemptInMs: shortTimeoutInMs },
  signingKeys: { ...signingKeys, fetchInMs: shortTimeoutInMs },
};

/** Some steps have half of the time limit. No other timer in the process is this long. */
const shortTimeouts = new Set([shortTimeoutInMs, shortTimeoutInMs / 2]);

/**
 * The time limits of `shortTimeoutTimings` expire only while the emulator holds a call because of a fault or a delay: otherwise calls
 * that are slow on a busy machine would time out, too. Until `jest.restoreAllMocks()`.
 *
 * @returns how many have expired
 */
export function expireForHeldCallsOnly(emulator: Pick<Emulator, 'heldCalls'>): () => number {
  let expired = 0;
  const { setTimeout: start } = globalThis;
  const startOrWait = (
    callback: (...args: unknown[]) => void,
    milliseconds?: number,
    ...args: unknown[]
  ): NodeJS.Timeout => {
    if (!shortTimeouts.has(milliseconds ?? 0)) return start(callback, milliseconds, ...args);
    const timer = setInterval(() => {
      if (emulator.heldCalls() === 0) return;
      clearInterval(timer);
      expired += 1;
      callback();
    }, milliseconds);
    return timer;
  };
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(startOrWait as typeof setTimeout);
  return () => expired;
}
