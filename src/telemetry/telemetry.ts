import type { IncomingHttpHeaders } from 'node:http';
import type { UpstreamError, UpstreamName } from '../resilience/upstreamError';

/** What is counted, one at a time. */
export type CountedEvent =
  | 'identity_created'
  | 'identity_replaced'
  | 'identity_deleted'
  | 'orphan_cleaned'
  | 'orphan_lost'
  | 'token_issued'
  | 'token_reused'
  | 'token_exchanged';

export type CacheName = 'verified_tokens' | 'obo_tokens' | 'mappings' | 'issued_tokens';

/** A call to an upstream, with its retries. */
export interface UpstreamCall {
  readonly upstream: UpstreamName;
  readonly operation: string;
}

/** One per upstream for outages; one per operation for throttling. */
export interface BreakerName {
  readonly upstream: UpstreamName;
  readonly operation?: string;
}

/** The outcome of a request. Never text from a request or from an upstream. */
export interface RequestOutcome {
  /** 499 if the client has disconnected. */
  readonly status: number;
  /** The path of the route; undefined if there is none. */
  readonly route: string | undefined;
  /** The error code of the response. */
  readonly errorCode: string | undefined;
  /** A more specific reason than the code, such as `token_expired`. */
  readonly reason: string | undefined;
}

export interface RequestStart {
  readonly method: string;
  /** Over TLS, even if a proxy terminates it. */
  readonly secure: boolean;
  readonly headers: IncomingHttpHeaders;
  /** A probe of a load balancer: measured, but without a span. */
  readonly isProbe: boolean;
}

export interface RequestTrace {
  /** Undefined without a span. */
  readonly traceId: string | undefined;
  /** Runs what belongs to the request: calls to upstreams become its children. */
  run(work: () => void): void;
  end(outcome: RequestOutcome): void;
}

export interface CallTrace {
  /** @param attempt 1 for the first retry */
  retried(attempt: number, delayInMs: number, failure: UpstreamError): void;
  /** The call was not sent, because the circuit breaker is open. */
  rejectedByBreaker(): void;
}

/** One HTTP request to an upstream. */
export interface SendTrace {
  /** To be sent with it: the W3C trace context. */
  readonly headers: Readonly<Record<string, string>>;
  end(outcome: { status: number } | { failure: string }): void;
}

/**
 * Where the server reports what it does. Absent if telemetry is off: callers use `?.`, so that nothing is loaded and nothing is done.
 * Reporting never throws and never waits.
 */
export interface Telemetry {
  startRequest(request: RequestStart): RequestTrace;
  traceCall<T>(call: UpstreamCall, work: (trace: CallTrace) => Promise<T>): Promise<T>;
  /** Call it within `traceCall`. */
  startSend(method: string, url: URL): SendTrace;
  count(event: CountedEvent): void;
  countLookup(cache: CacheName, hit: boolean): void;
  observeBreaker(name: BreakerName, isOpen: () => boolean): void;
  /** @param expires undefined if it is not known */
  observeCertificate(expires: () => Promise<Date | undefined>): void;
  /** Exports what is left, within a time limit. */
  stop(): Promise<void>;
}
