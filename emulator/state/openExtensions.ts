/** An open extension with the app that wrote it: Graph limits the number per app. */
export interface OpenExtension {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly creatorApp: string;
}

type Extensions = ReadonlyMap<string, OpenExtension>;

const none: Extensions = new Map();

/** The open extensions of every user: the current ones, and those that a lagging replica still shows. */
export class OpenExtensions {
  readonly #truth = new Map<string, Extensions>();
  readonly #earlier = new Map<string, { extensions: Extensions; until: number }[]>();

  of(userObjectId: string): Extensions {
    return this.#truth.get(userObjectId) ?? none;
  }

  asReplicated(userObjectId: string, now: number): Extensions {
    const shown = this.#earlier.get(userObjectId)?.find(({ until }) => now < until);
    return shown?.extensions ?? this.of(userObjectId);
  }

  put(userObjectId: string, extension: OpenExtension, replicatedAt = 0): void {
    this.#write(userObjectId, [...this.of(userObjectId), [extension.name, extension]], replicatedAt);
  }

  remove(userObjectId: string, name: string, replicatedAt = 0): void {
    const remaining = [...this.of(userObjectId)].filter(([key]) => key !== name);
    this.#write(userObjectId, remaining, replicatedAt);
  }

  all(): { userObjectId: string; extension: OpenExtension }[] {
    return [...this.#truth].flatMap(([userObjectId, extensions]) =>
      [...extensions.values()].map((extension) => ({ userObjectId, extension })),
    );
  }

  restore(all: { userObjectId: string; extension: OpenExtension }[]): void {
    this.clear();
    for (const { userObjectId, extension } of all) this.put(userObjectId, extension);
  }

  clear(): void {
    this.#truth.clear();
    this.#earlier.clear();
  }

  /** @param replicatedAt until then, reads return the previous state; 0 discards previous states */
  #write(userObjectId: string, entries: [string, OpenExtension][], replicatedAt: number): void {
    if (replicatedAt === 0) this.#earlier.delete(userObjectId);
    else {
      const earlier = this.#earlier.get(userObjectId) ?? [];
      earlier.push({ extensions: this.of(userObjectId), until: replicatedAt });
      this.#earlier.set(userObjectId, earlier.slice(-10));
    }
    if (entries.length > 0) this.#truth.set(userObjectId, new Map(entries));
    else this.#truth.delete(userObjectId);
  }
}
