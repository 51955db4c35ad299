/** The ids of client assertions that were used and are not expired yet. */
export class UsedAssertions {
  readonly #expiries = new Map<string, number>();

  /** @returns false if it was used before */
  use(id: string, expiresAt: number, now: number): boolean {
    for (const [known, expiry] of this.#expiries) if (expiry <= now) this.#expiries.delete(known);
    if (this.#expiries.has(id)) return false;
    this.#expiries.set(id, expiresAt);
    return true;
  }

  clear(): void {
    this.#expiries.clear();
  }
}
