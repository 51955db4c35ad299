/** Reads that may be stale or see unfinished work are repeated: how often, and the pause between them. */
export interface RepeatedReads {
  readonly reads: number;
  readonly pauseInMs: number;
}

/** Every time limit and wait of the server, in milliseconds. Injected, so that tests need not wait as long as callers may. */
export interface Timings {
  /** From the request to the response. After this time the caller gets 504. */
  readonly requestInMs: number;
  /** Upstream work of a request ends this much earlier, so that there is time to clean up and to respond. */
  readonly workInMs: number;
  /** The check whether the identity of a reused token still exists. After this time the token is returned without it. */
  readonly reuseCheckInMs: number;
  readonly upstream: {
    /** One attempt of a call. */
    readonly attemptInMs: number;
    /** With less time left, no attempt is made. */
    readonly minAttemptInMs: number;
    /** A call that creates something continues in the background for this long, to learn what it created. */
    readonly detachedCallInMs: number;
    /** Before the first and the second retry. */
    readonly retryDelaysInMs: readonly [number, number];
    /** Before a retry of a throttled call, if the upstream sent no Retry-After. */
    readonly throttledRetryDelayInMs: number;
  };
  readonly mappings: {
    /** Between two reads of a mapping that another instance is changing. */
    readonly conflictPauseInMs: number;
    /** Microsoft Graph may read from a replica that has not replicated a write yet; the pause grows with each read. */
    readonly staleRead: RepeatedReads;
    /** How long the Graph store waits for a deletion that another instance has begun. */
    readonly pendingDeletion: RepeatedReads;
  };
  /** Finding or creating the table of the table store, at start and if it is missing later. */
  readonly table: {
    readonly attemptInMs: number;
    /** After a failed attempt; doubled with each further one, up to the maximum. */
    readonly firstRetryDelayInMs: number;
    readonly maxRetryDelayInMs: number;
  };
  readonly orphanCleanup: {
    /** Before each attempt. */
    readonly retryDelaysInMs: readonly number[];
    readonly attemptInMs: number;
    /** How long a response waits for it. */
    readonly maxResponseDelayInMs: number;
  };
  readonly telemetry: {
    readonly spanExportIntervalInMs: number;
    readonly metricExportIntervalInMs: number;
    /** How long a shutdown waits for the last export. */
    readonly stopInMs: number;
  };
  readonly signingKeys: {
    readonly fetchInMs: number;
    /** Microsoft's guide to key rollover asks for a refresh at least daily; hourly leaves room for failed ones. */
    readonly refreshIntervalInMs: number;
    /** After a failed load; doubled with each further one, up to the maximum. */
    readonly firstReloadDelayInMs: number;
    readonly maxReloadDelayInMs: number;
    /** A failing authority is queried at most this often, across all callers. */
    readonly reloadCooldownInMs: number;
    /** Unknown key ids make the server load the keys again at most this often. */
    readonly unknownKeyCooldownInMs: number;
  };
}

export const defaultTimings: Timings = {
  requestInMs: 10_000,
  workInMs: 8_500,
  reuseCheckInMs: 1_500,
  upstream: {
    attemptInMs: 4_000,
    minAttemptInMs: 250,
    detachedCallInMs: 30_000,
    retryDelaysInMs: [100, 300],
    throttledRetryDelayInMs: 1_000,
  },
  mappings: {
    conflictPauseInMs: 50,
    staleRead: { reads: 4, pauseInMs: 200 },
    pendingDeletion: { reads: 4, pauseInMs: 250 },
  },
  table: {
    attemptInMs: 8_000,
    firstRetryDelayInMs: 500,
    maxRetryDelayInMs: 10_000,
  },
  orphanCleanup: {
    retryDelaysInMs: [0, 1_000, 5_000, 15_000, 60_000],
    attemptInMs: 8_000,
    maxResponseDelayInMs: 1_200,
  },
  telemetry: {
    spanExportIntervalInMs: 5_000,
    metricExportIntervalInMs: 60_000,
    stopInMs: 3_000,
  },
  signingKeys: {
    fetchInMs: 4_000,
    refreshIntervalInMs: 60 * 60_000,
    firstReloadDelayInMs: 500,
    maxReloadDelayInMs: 10_000,
    reloadCooldownInMs: 1_000,
    unknownKeyCooldownInMs: 10_000,
  },
};
