/** Runs one action at a time. Buttons stay enabled, so that they keep the focus. */
export class ActionRunner {
  readonly #onStart: () => void;
  readonly #onError: (error: unknown) => void;
  #busy = false;

  constructor({ onStart, onError }: { onStart: () => void; onError: (error: unknown) => void }) {
    this.#onStart = onStart;
    this.#onError = onError;
  }

  async run(action: () => Promise<void>): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#onStart();
    try {
      await action();
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#busy = false;
    }
  }

  /** Runs an action that leaves the page. */
  redirect(start: () => Promise<unknown>): void {
    void this.run(async () => {
      await start();
    });
  }
}
