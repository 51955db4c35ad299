import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import type { UpstreamCall } from './telemetry';

/** The request or the call to an upstream that runs. */
export interface Active {
  readonly span: Span;
  readonly call?: UpstreamCall;
}

/**
 * What runs now. OpenTelemetry's own context manager would be one for the whole process, and so would be that of an application which
 * runs this server beside itself.
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
