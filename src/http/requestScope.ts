import { AsyncLocalStorage } from 'node:async_hooks';

/** What identifies a request in each of its log lines. */
export interface RequestIds {
  readonly requestId: string;
  /** Chosen by the client. */
  readonly clientRequestId: string | undefined;
  /** Of the trace that the request belongs to: the client's, or a new one if telemetry is on. */
  readonly traceId: string | undefined;
}

/** Knows which request runs, also in the parts of the server that have no other knowledge of HTTP. */
export interface RequestScope {
  run(ids: RequestIds, work: () => void): void;
  current(): RequestIds | undefined;
}

export function createRequestScope(): RequestScope {
  const storage = new AsyncLocalStorage<RequestIds>();
  return {
    run: (ids, work) => storage.run(ids, work),
    current: () => storage.getStore(),
  };
}
