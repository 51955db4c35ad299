import { AsyncLocalStorage } from 'node:async_hooks';
import type { Config } from './config/config';

export interface RequestIds {
  readonly requestId: string;
  /** Chosen by the client. */
  readonly clientRequestId: string | undefined;
  /** Of the trace that the request belongs to: the client's, or a new one if telemetry is on. */
  readonly traceId: string | undefined;
}

/**
 * Carries the ids of a request to its log lines and upstream calls, however deep. Callers that join an in-flight request make no call
 * of their own: it carries the ids of the first.
 */
export interface RequestScope {
  run(ids: RequestIds, work: () => void): void;
  /** Undefined in background work. */
  current(): RequestIds | undefined;
  /** Node.js keeps a storage for the life of the process, and passes it on with each promise, until it is disabled. */
  close(): void;
}

/** Absent unless a setting needs it: Node.js 20 tracks every promise of a process with such a storage. */
export function createRequestScope({
  telemetry,
  forwardRequestId,
}: Pick<Config, 'telemetry' | 'forwardRequestId'>): RequestScope | undefined {
  if (!telemetry && !forwardRequestId) return undefined;
  const storage = new AsyncLocalStorage<RequestIds>();
  return {
    run: (ids, work) => storage.run(ids, work),
    current: () => storage.getStore(),
    close: () => storage.disable(),
  };
}
