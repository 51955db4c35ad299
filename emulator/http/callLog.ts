import { type Call } from './exchange';
import { assertKnownOperation, matchesOperation } from './emulated';

export interface LoggedRequest {
  operation: string;
  method: string;
  path: string;
  /** 0 if there was no response. */
  status: number;
  /** By this machine's clock, in milliseconds since 1970. */
  startedAt: number;
  /** Until the response was written or the connection closed; absent until then. */
  milliseconds?: number;
  /** The client request id that the caller sent. A server with FORWARD_REQUEST_ID=on sends its own request's id. */
  clientRequestId?: string;
  /** The W3C trace context that the caller sent. */
  traceparent?: string;
}

export interface RequestFilter {
  clientRequestId?: string | undefined;
  /** Started at this time or later, in milliseconds since 1970. */
  since?: number | undefined;
}

/** The operation name for requests that are not emulated. */
export const notEmulated = 'notEmulated';

const kept = 5_000;

/** Counts per operation, and the latest few thousand requests. */
export class CallLog {
  #counts = new Map<string, number>();
  #requests: LoggedRequest[] = [];
  #next = 0;

  /** Counts a request when it arrives; the status is set with the response. */
  record(
    operation: string,
    { method, path, headers, query }: Pick<Call, 'method' | 'path' | 'headers' | 'query'>,
  ): LoggedRequest {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    const sent =
      headers['client-request-id'] ?? headers['x-ms-client-request-id'] ?? query.get('client-request-id');
    const clientRequestId = typeof sent === 'string' ? { clientRequestId: sent } : {};
    const { traceparent } = headers;
    const request = {
      operation,
      method,
      path,
      status: 0,
      startedAt: Date.now(),
      ...clientRequestId,
      ...(typeof traceparent === 'string' ? { traceparent } : {}),
    };
    this.#requests[this.#next] = request;
    this.#next = (this.#next + 1) % kept;
    return request;
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  countOf(prefix: string): number {
    if (prefix !== notEmulated) assertKnownOperation(prefix);
    let sum = 0;
    for (const [operation, count] of this.#counts) if (matchesOperation(prefix, operation)) sum += count;
    return sum;
  }

  /** Oldest first; with `filter`, only the requests that match all of its values. */
  requests({ clientRequestId, since = 0 }: RequestFilter = {}): LoggedRequest[] {
    return [...this.#requests.slice(this.#next), ...this.#requests.slice(0, this.#next)]
      .filter(
        (request) =>
          request.startedAt >= since &&
          (clientRequestId === undefined || request.clientRequestId === clientRequestId),
      )
      .map((request) => ({ ...request }));
  }

  clear(): void {
    this.#counts = new Map();
    this.#requests = [];
    this.#next = 0;
  }
}
