import type { Emulator } from '../../emulator/emulator';

/** The upstream calls, by operation, that were made while `work` ran. */
export async function callsDuring(
  emulator: Emulator,
  work: () => PromiseLike<unknown>,
): Promise<Record<string, number>> {
  const before = emulator.calls();
  await work();
  return callsSince(emulator, before);
}

/** The upstream calls that were made since the emulator counted `before`. */
export function callsSince(emulator: Emulator, before: Record<string, number>): Record<string, number> {
  const made = Object.entries(emulator.calls()).map(([operation, count]): [string, number] => [
    operation,
    count - (before[operation] ?? 0),
  ]);
  return Object.fromEntries(made.filter(([, count]) => count > 0));
}
