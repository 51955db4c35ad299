import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import type { UpstreamCall } from './telemetry';

/** The request or the upstream call that is running. */
export interface Active {
  readonly span: Span;
  readonly call?: UpstreamCall;
}

/**
 * What is running now. OpenTelemetry's own context manager is process-wide, so it would conflict with that of an application that embeds
 * this server.
 */
export interface ActiveSpan {
  current(): Active | undefined;
  run<T>(active: Active, work: () => T): T;
  /** For spans that begin now. */
  context(): Context;
  /** Node.js keeps a storage for the life of the process, and passes it on with each promise, until it is disabled. */
  close(): void;
}

export function createActiveSpan(): ActiveSpan {
  const storage = new AsyncLocalStorage<Active>();
  return {
    current: () => storage.getStore(),
    run: (active, work) => storage.run(active, work),
    context() {
      const active = storage.getStore();
      return active ? trace.setSpan(ROOT_CONTEXT, active.span) : ROOT_CONTEXT;
    },
    close: () => storage.disable(),
  };
}
