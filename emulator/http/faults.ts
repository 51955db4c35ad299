import { assertKnownOperation, matchesOperation } from './emulated';

export type Fault = {
  /** An operation, or a prefix of several: `acs`, `graph.extension`. */
  operation: string;
  /** How many calls fail; Infinity: all. Default 1. */
  times?: number;
  /** How many calls succeed first. Default 0. */
  after?: number;
} & FaultKind;

export type FaultKind =
  /** Responds with this status; the body defaults to that of the real service. With `effectDone` the request is applied first. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown; effectDone?: boolean }
  /** Never responds. */
  | { kind: 'hang'; effectDone?: boolean }
  /** Closes the connection before the request is applied. */
  | { kind: 'drop' }
  /** 200 with an HTML page; the request is not applied. */
  | { kind: 'garbage' }
  /** 200 with application/json and malformed JSON, or with this `body`; the request is not applied. */
  | { kind: 'malformed'; body?: string }
  /** Something that is no HTTP response, or these `bytes`; the request is not applied. */
  | { kind: 'notHttp'; bytes?: string }
  /** The request is applied; the response ends after half of the body. */
  | { kind: 'cut' }
  /** The request is applied; the connection closes without a response. */
  | { kind: 'replyLost' };

/** The requested faults, in order, and the delays. */
export class Faults {
  #waiting: { fault: Fault; remainingPasses: number; remaining: number }[] = [];
  readonly #delays = new Map<string, number>();

  add(fault: Fault): void {
    assertKnownOperation(fault.operation);
    this.#waiting.push({ fault, remainingPasses: fault.after ?? 0, remaining: fault.times ?? 1 });
  }

  delay(operation: string, milliseconds: number): void {
    assertKnownOperation(operation);
    this.#delays.set(operation, milliseconds);
  }

  /** The first requested fault that matches this call, if any. */
  take(operation: string): Fault | undefined {
    for (const entry of this.#waiting) {
      if (!matchesOperation(entry.fault.operation, operation)) continue;
      if (entry.remainingPasses > 0) {
        entry.remainingPasses -= 1;
        continue;
      }
      entry.remaining -= 1;
      if (entry.remaining <= 0) this.#waiting = this.#waiting.filter((other) => other !== entry);
      return entry.fault;
    }
    return undefined;
  }

  /** The most specific delay wins. */
  delayFor(operation: string): number {
    let [delay, prefixLength] = [0, -1];
    for (const [prefix, milliseconds] of this.#delays) {
      if (prefix.length > prefixLength && matchesOperation(prefix, operation)) {
        [delay, prefixLength] = [milliseconds, prefix.length];
      }
    }
    return delay;
  }

  clear(): void {
    this.#waiting = [];
    this.#delays.clear();
  }
}
