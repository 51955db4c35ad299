import { assertKnownOperation, matchesOperation } from './emulated';

export type Fault = {
  /** An operation, or a prefix of several: `acs`, `graph.extension`. */
  operation: string;
  /** How many calls fail; Infinity is for good. Default 1. */
  times?: number;
  /** How many calls are let through first. Default 0. */
  after?: number;
} & FaultKind;

export type FaultKind =
  /** Answers so; the body defaults to the service's own for that status. With `effectDone` the work was done first. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown; effectDone?: boolean }
  /** Never answers. */
  | { kind: 'hang'; effectDone?: boolean }
  /** The connection goes away before anything is done. */
  | { kind: 'drop' }
  /** 200 with a page of HTML; nothing is done. */
  | { kind: 'garbage' }
  /** 200 that says application/json and is not, or is not what was promised (`body`); nothing is done. */
  | { kind: 'malformed'; body?: string }
  /** All is done; the headers and half of the body arrive. */
  | { kind: 'cut' }
  /** All is done; no answer arrives. */
  | { kind: 'replyLost' };

/** The failures that were asked for, in order; and the delays. */
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

  /** The failure of this call, if it is to have one: of those that concern it the first that was asked for. */
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

  /** The most particular delay wins. */
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
