import { type Deadline, withSignal } from './deadline';

/** Runs the operations of one key one at a time, in the order of arrival. Different keys run concurrently. */
export type KeyedMutex = <T>(key: string, deadline: Deadline, work: () => Promise<T>) => Promise<T>;

export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<void>>();

  return async (key, deadline, work) => {
    const before = tails.get(key) ?? Promise.resolve();
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const tail = before.then(() => held);
    tails.set(key, tail);
    try {
      await withSignal(before, deadline.signal);
      return await work();
    } finally {
      release?.();
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
    }
  };
}
