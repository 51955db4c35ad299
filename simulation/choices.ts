/**
 * Every decision of a run, as a list of numbers. The list alone determines the run, so a list reproduces a failing schedule, and a shorter
 * list with smaller numbers is a simpler schedule. 0, also used after the end of the list, is always the simplest decision.
 */
export interface Choices {
  /** From 0 to `count` - 1. */
  choose(count: number): number;
  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean;
  /** The decisions so far. */
  readonly taken: readonly number[];
}

const range = 1 << 16;

export function seededChoices(seed: number): Choices {
  const next = createRandom(seed);
  return choicesFrom(() => next() % range);
}

export function replayedChoices(recorded: readonly number[]): Choices {
  let position = 0;
  return choicesFrom(() => recorded[position++] ?? 0);
}

function choicesFrom(next: () => number): Choices {
  const taken: number[] = [];
  const take = () => {
    const value = next();
    taken.push(value);
    return value;
  };
  return {
    taken,
    choose: (count) => take() % count,
    chance: (percent) => take() % 100 >= 100 - percent,
  };
}

/** Whole numbers of 32 bits, the same for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
