/** A timer of the code under test. */
interface Timer {
  readonly at: number;
  readonly owner: number;
  readonly callback: () => void;
}

/** The time that the code under test sees. It moves only when the scheduler says so. */
export interface VirtualTime {
  now(): number;
  /** The instance that sets the timers from now on. */
  owner: number;
  hasTimers(): boolean;
  /** Moves the time to the next timer and fires it. The timer's owner then becomes the current one. */
  fireNext(): void;
  /** Simulates that the process of this instance has ended. */
  dropTimersOf(owner: number): void;
}

const start = Date.UTC(2030, 0, 1);

/** Replaces timers, clocks and randomness of this process while `work` runs. */
export async function withVirtualTime<T>(
  random: () => number,
  work: (time: VirtualTime) => Promise<T>,
): Promise<T> {
  const timers = new Map<number, Timer>();
  let now = 0;
  let lastId = 0;

  const time: VirtualTime = {
    owner: -1,
    now: () => now,
    hasTimers: () => timers.size > 0,
    fireNext() {
      let next: [number, Timer] | undefined;
      for (const entry of timers) if (!next || entry[1].at < next[1].at) next = entry;
      if (!next) return;
      const [id, timer] = next;
      timers.delete(id);
      now = Math.max(now, timer.at);
      time.owner = timer.owner;
      timer.callback();
    },
    dropTimersOf(owner) {
      for (const [id, timer] of timers) if (timer.owner === owner) timers.delete(id);
    },
  };

  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    random: Math.random,
    dateNow: Date.now,
  };
  const setTimer = (callback: () => void, milliseconds = 0) => {
    const id = ++lastId;
    timers.set(id, { at: now + Math.max(0, milliseconds), owner: time.owner, callback });
    const handle = { id, ref: () => handle, unref: () => handle, hasRef: () => true };
    return handle;
  };
  const clearTimer = (handle: { id: number } | undefined) => {
    if (handle) timers.delete(handle.id);
  };
  globalThis.setTimeout = setTimer as unknown as typeof setTimeout;
  globalThis.clearTimeout = clearTimer as unknown as typeof clearTimeout;
  Math.random = random;
  Date.now = () => start + now;
  Object.defineProperty(performance, 'now', { value: () => now, configurable: true });
  try {
    return await work(time);
  } finally {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    Math.random = real.random;
    Date.now = real.dateNow;
    Reflect.deleteProperty(performance, 'now');
  }
}
