import { assertConcernsSomething, concerns } from './emulated';

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
  #waiting: { fault: Fault; letThrough: number; left: number }[] = [];
  readonly #delays = new Map<string, number>();

  add(fault: Fault): void {
    assertConcernsSomething(fault.operation);
    this.#waiting.push({ fault, letThrough: fault.after ?? 0, left: fault.times ?? 1 });
  }

  delay(operation: string, milliseconds: number): void {
    assertConcernsSomething(operation);
    this.#delays.set(operation, milliseconds);
  }

  /** The failure of this call, if it is to have one: of those that concern it the first that was asked for. */
  take(operation: string): Fault | undefined {
    for (const entry of this.#waiting) {
      if (!concerns(entry.fault.operation, operation)) continue;
      if (entry.letThrough > 0) {
        entry.letThrough -= 1;
        continue;
      }
      entry.left -= 1;
      if (entry.left <= 0) this.#waiting = this.#waiting.filter((other) => other !== entry);
      return entry.fault;
    }
    return undefined;
  }

  /** The most particular delay wins. */
  delayOf(operation: string): number {
    let [delay, particularity] = [0, -1];
    for (const [prefix, milliseconds] of this.#delays) {
      if (prefix.length > particularity && concerns(prefix, operation)) {
        [delay, particularity] = [milliseconds, prefix.length];
      }
    }
    return delay;
  }

  clear(): void {
    this.#waiting = [];
    this.#delays.clear();
  }
}
