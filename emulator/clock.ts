/** Milliseconds since 1970 as the three services see them; a switch shifts it from this machine's clock. */
export type Clock = () => number;

export function inSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
