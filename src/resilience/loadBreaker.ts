import { CircuitState, type IBreaker } from 'cockatiel';

const windowInSeconds = 5;
const minCalls = 25;

interface Second {
  readonly second: number;
  calls: number;
  failures: number;
}

/**
 * Opens when more than half of the calls of the last five seconds failed, out of at least 25. cockatiel's own
 * SamplingBreaker drops only one second per call, however old it is, so that rare failures add up over time.
 */
export class LoadBreaker implements IBreaker {
  /** The seconds of the window that had calls, oldest first. */
  state: Second[] = [];

  success(state: CircuitState): void {
    if (state === CircuitState.HalfOpen) this.state = [];
    this.#count(0);
  }

  failure(state: CircuitState): boolean {
    this.#count(1);
    if (state !== CircuitState.Closed) return true;
    const calls = this.state.reduce((sum, second) => sum + second.calls, 0);
    const failures = this.state.reduce((sum, second) => sum + second.failures, 0);
    return calls >= minCalls && failures > calls / 2;
  }

  #count(failures: 0 | 1): void {
    const now = Math.floor(performance.now() / 1_000);
    while (this.state[0] && this.state[0].second <= now - windowInSeconds) this.state.shift();
    let current = this.state.at(-1);
    if (current?.second !== now) {
      current = { second: now, calls: 0, failures: 0 };
      this.state.push(current);
    }
    current.calls += 1;
    current.failures += failures;
  }
}
