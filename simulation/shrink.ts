/** Simplifies a failing list of choices as long as a simpler version still fails. */
export async function shrink(
  failing: readonly number[],
  fails: (choices: readonly number[]) => Promise<boolean>,
  maxAttempts = 3_000,
): Promise<readonly number[]> {
  let best = failing;
  let attempts = 0;
  const tryOut = async (candidate: readonly number[]): Promise<boolean> => {
    if (attempts >= maxAttempts) return false;
    attempts += 1;
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };

  for (let improved = true; improved && attempts < maxAttempts;) {
    improved = false;
    for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < best.length;) {
        const without = [...best.slice(0, from), ...best.slice(from + size)];
        if (await tryOut(without)) improved = true;
        else from += size;
      }
    }
    for (let index = 0; index < best.length; index += 1) {
      const value = best[index] ?? 0;
      for (const smaller of new Set([0, value % 100, value % 7, value - 1])) {
        if (smaller < 0 || smaller >= value) continue;
        if (await tryOut(best.map((old, position) => (position === index ? smaller : old)))) {
          improved = true;
          break;
        }
      }
    }
  }
  return best;
}
