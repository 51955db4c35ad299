import { CircuitState, type IBreaker } from 'cockatiel';

const windowInSeconds = 5;
const minCalls = 25;

interface Second {
  readonly second: number;
  calls: number;
  failures: number;
}

/**
 * Opens when more than half of the calls of the last five seconds failed, and there were 25 or more. cockatiel's own
 * SamplingBreaker forgets one second with each call, however long ago that was: a few failures now and then add up.
 */
export class LoadBreaker implements IBreaker {
  /** The seconds of the window in which there were calls, the oldest first. */
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
