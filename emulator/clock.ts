/** Milliseconds since 1970 as the three services see them; a switch moves their clock away from the machine's. */
export type Clock = () => number;

export function inSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
