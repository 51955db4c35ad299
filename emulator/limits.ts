import { type Clock, inSeconds } from './clock';
import { type Limit } from './switches';

/** Counts calls in fixed windows. */
export class Limits {
  readonly #windows = new Map<string, { number: number; count: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts this call; if it exceeds the limit, returns the seconds until the next window. */
  exceeded(name: string, limit: Limit | undefined): number | undefined {
    if (!limit) return undefined;
    const now = inSeconds(this.#clock());
    const number = Math.floor(now / limit.perSeconds);
    const window = this.#windows.get(name);
    const count = window?.number === number ? window.count + 1 : 1;
    this.#windows.set(name, { number, count });
    return count > limit.count ? (number + 1) * limit.perSeconds - now : undefined;
  }

  clear(): void {
    this.#windows.clear();
  }
}
