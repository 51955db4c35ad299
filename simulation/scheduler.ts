import { HttpError } from '../src/resilience/httpClient';
import type { Choices } from './choices';
import type { VirtualTime } from './virtualTime';

/** Something that may happen next. */
interface Event {
  readonly owner: number;
  readonly label: string;
  readonly run: () => void;
}

/** How many faults a run may have. */
export interface Budget {
  faults: number;
  crashes: number;
  /** How often the clock moves while calls are in flight. */
  slowness: number;
  staleReads: number;
}

export interface CallOptions {
  signal: AbortSignal;
  /** The caller will never learn of the work that was done. */
  onReplyLost?: () => void;
}

/** Decides what happens next, one event at a time. The code under test does not run in between. */
export interface Scheduler {
  readonly budget: Budget;
  readonly choices: Choices;
  readonly time: VirtualTime;
  readonly trace: readonly string[];
  /** The number of the current step. */
  now(): number;
  /** A call to a service: it arrives at some time and does its work immediately, and its reply arrives later. */
  call<T>(label: string, work: () => T, options: CallOptions): Promise<T>;
  /** An event that may happen if no call's event is chosen first. */
  offer(owner: number, label: string, run: () => void): void;
  /** Runs until nothing is left to happen. */
  run(): Promise<void>;
  /** Adds a line to the trace. */
  note(line: string): void;
  onCrash(handler: (owner: number) => void): void;
}

type Fault = 'none' | 'refused' | 'dropped' | 'replyLost' | 'noResponse' | 'doneNoResponse';
const faults: readonly Fault[] = ['none', 'replyLost', 'dropped', 'refused', 'doneNoResponse', 'noResponse'];

/** A longer run would never end: the code under test is in an endless loop. */
const maxSteps = 3_000;

export class EndlessRunError extends Error {}

export function createScheduler(choices: Choices, time: VirtualTime, budget: Budget): Scheduler {
  let calls: Event[] = [];
  let offers: Event[] = [];
  const trace: string[] = [];
  /** Instances whose process has ended. */
  const ended = new Set<number>();
  const crashHandlers: ((owner: number) => void)[] = [];
  const yieldToMicrotasks = () => new Promise<void>((resolve) => setImmediate(resolve));

  function takeFault(): Fault {
    if (budget.faults === 0 || !choices.chance(15)) return 'none';
    budget.faults -= 1;
    return faults[1 + choices.choose(faults.length - 1)] ?? 'none';
  }

  function add(owner: number, label: string, run: () => void): void {
    calls.push({ owner, label, run });
  }

  function call<T>(label: string, work: () => T, { signal, onReplyLost }: CallOptions): Promise<T> {
    const { owner } = time;
    const fault = takeFault();
    return new Promise<T>((resolve, reject) => {
      let abandoned = false;
      const lose = (failure: 'connect_failed' | 'connection_lost') =>
        add(owner, `${label} fails`, () => reject(new HttpError(failure, undefined, label)));
      const onAbort = () => {
        abandoned = true;
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      signal.addEventListener('abort', onAbort, { once: true });

      const arrive = () => {
        // A request of a caller that has given up, or whose process has ended, may arrive or not.
        if (abandoned && !choices.chance(50)) return;
        const result = work();
        if (abandoned || ended.has(owner) || fault === 'doneNoResponse') {
          onReplyLost?.();
        } else if (fault === 'replyLost') {
          onReplyLost?.();
          lose('connection_lost');
        } else {
          add(owner, `${label} replies`, () => {
            if (abandoned) onReplyLost?.();
            else resolve(result);
          });
        }
      };
      if (fault === 'refused') lose('connect_failed');
      else if (fault === 'dropped') lose('connection_lost');
      else if (fault !== 'noResponse')
        add(owner, `${label} arrives${fault === 'none' ? '' : ` (${fault})`}`, arrive);
    });
  }

  function crash(owner: number): void {
    budget.crashes -= 1;
    trace.push(`instance ${owner} crashes`);
    ended.add(owner);
    time.dropTimersOf(owner);
    // Its requests may still arrive, but their replies are lost.
    calls = calls.filter(
      (event) => event.owner !== owner || (event.label.includes(' arrives') && choices.chance(50)),
    );
    offers = offers.filter((event) => event.owner !== owner);
    for (const handler of crashHandlers) handler(owner);
  }

  function next(): Event | undefined {
    if (budget.crashes > 0 && calls.length > 0 && choices.chance(3)) {
      crash(calls[choices.choose(calls.length)]?.owner ?? 0);
    }
    const waiting = calls.length + offers.length;
    const slow = waiting > 0 && budget.slowness > 0 && time.hasTimers() && choices.chance(8);
    if (waiting === 0 || slow) {
      if (slow) budget.slowness -= 1;
      return time.hasTimers() ? { owner: -1, label: 'time passes', run: () => time.fireNext() } : undefined;
    }
    const index = waiting === 1 ? 0 : choices.choose(waiting);
    const [list, position] = index < calls.length ? [calls, index] : [offers, index - calls.length];
    return list.splice(position, 1)[0];
  }

  return {
    budget,
    choices,
    time,
    trace,
    now: () => trace.length,
    call,
    offer: (owner, label, run) => void offers.push({ owner, label, run }),
    note: (line) => void trace.push(`   ${line}`),
    onCrash: (handler) => void crashHandlers.push(handler),
    async run() {
      for (let event = next(); event; event = next()) {
        trace.push(event.owner < 0 ? event.label : `${event.owner}: ${event.label}`);
        if (trace.length > maxSteps) throw new EndlessRunError();
        time.owner = event.owner;
        event.run();
        await yieldToMicrotasks();
      }
    },
  };
}
