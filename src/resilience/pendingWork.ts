/** Work that continues without its caller, and must not be left half done when the process stops. */
export interface PendingWork {
  /** Returns the same work. It may fail after its caller has gone, which then nobody needs to handle. */
  add<T>(work: Promise<T>): Promise<T>;
  /** Resolves when no work is left, including work that is added while waiting. */
  idle(): Promise<void>;
}

export function createPendingWork(): PendingWork {
  const pending = new Set<Promise<unknown>>();
  return {
    add(work) {
      pending.add(work);
      const remove = () => void pending.delete(work);
      work.then(remove, remove);
      return work;
    },
    async idle() {
      while (pending.size > 0) await Promise.allSettled(pending);
    },
  };
}
