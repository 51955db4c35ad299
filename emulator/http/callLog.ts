import type { Call } from './exchange';
import { assertKnownOperation, matchesOperation } from './emulated';

export interface LoggedRequest {
  operation: string;
  method: string;
  path: string;
  /** 0 if there was no response. */
  status: number;
  /** The W3C trace context that came with it. */
  traceparent?: string;
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
    { method, path, headers }: Pick<Call, 'method' | 'path' | 'headers'>,
  ): LoggedRequest {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    const { traceparent } = headers;
    const request: LoggedRequest = { operation, method, path, status: 0 };
    if (typeof traceparent === 'string') request.traceparent = traceparent;
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

  /** Oldest first. */
  requests(): LoggedRequest[] {
    return [...this.#requests.slice(this.#next), ...this.#requests.slice(0, this.#next)].map((request) => ({
      ...request,
    }));
  }

  clear(): void {
    this.#counts = new Map();
    this.#requests = [];
    this.#next = 0;
  }
}
