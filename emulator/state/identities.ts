import { randomUUID } from 'node:crypto';
import { communicationResource } from '../seed';

export interface Identity {
  readonly id: string;
  readonly createdAt: number;
  readonly customId?: string | undefined;
  lastTokenIssuedAt?: number | undefined;
}

export interface IdentitiesSnapshot {
  identities: Identity[];
  customIds: [customId: string, id: string][];
}

interface CreateOptions {
  customId?: string | undefined;
  id?: string | undefined;
}

/** The living identities of the communication resource. */
export class Identities {
  readonly #living = new Map<string, Identity>();
  /** The id that each customId had last, also after that identity was deleted. */
  readonly #idByCustomId = new Map<string, string>();

  /** @param options.id a new one unless given */
  create(now: number, { customId, id = newId() }: CreateOptions = {}): Identity {
    const identity = { id, createdAt: now, ...(customId === undefined ? {} : { customId }) };
    this.#living.set(id, identity);
    if (customId !== undefined) this.#idByCustomId.set(customId, id);
    return identity;
  }

  /** The id that the customId stands for, or stood for until that identity was deleted. */
  idOfCustomId(customId: string): string | undefined {
    return this.#idByCustomId.get(customId);
  }

  /** Of the other resource: it lives there, and this resource's key does not reach it. */
  createForeign(): string {
    return `8:acs:${communicationResource.otherId}_${randomUUID()}`;
  }

  isOfThisResource(id: string): boolean {
    return id.startsWith(`8:acs:${communicationResource.id}_`);
  }

  find(id: string): Identity | undefined {
    return this.#living.get(id);
  }

  has(id: string): boolean {
    return this.#living.has(id);
  }

  tokenIssued(id: string, now: number): void {
    const identity = this.#living.get(id);
    if (identity) identity.lastTokenIssuedAt = now;
  }

  delete(id: string): boolean {
    return this.#living.delete(id);
  }

  all(): Identity[] {
    return [...this.#living.values()].map((identity) => ({ ...identity }));
  }

  snapshot(): IdentitiesSnapshot {
    return { identities: this.all(), customIds: [...this.#idByCustomId] };
  }

  restore({ identities, customIds }: IdentitiesSnapshot): void {
    this.clear();
    for (const identity of identities) this.#living.set(identity.id, identity);
    for (const [customId, id] of customIds) this.#idByCustomId.set(customId, id);
  }

  clear(): void {
    this.#living.clear();
    this.#idByCustomId.clear();
  }
}

function newId(): string {
  return `8:acs:${communicationResource.id}_${randomUUID()}`;
}
