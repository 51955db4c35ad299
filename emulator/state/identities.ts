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

/** The existing identities of the communication resource. */
export class Identities {
  readonly #identities = new Map<string, Identity>();
  /** The last id of each customId, even after that identity was deleted. */
  readonly #idByCustomId = new Map<string, string>();

  /** @param options.id by default a new one */
  create(now: number, { customId, id = newId() }: CreateOptions = {}): Identity {
    const identity = { id, createdAt: now, ...(customId === undefined ? {} : { customId }) };
    this.#identities.set(id, identity);
    if (customId !== undefined) this.#idByCustomId.set(customId, id);
    return identity;
  }

  /** The id of the customId's identity, even if that was deleted. */
  idOfCustomId(customId: string): string | undefined {
    return this.#idByCustomId.get(customId);
  }

  /** In the other resource, whose identities this resource's key cannot use. */
  createForeign(): string {
    return `8:acs:${communicationResource.otherId}_${randomUUID()}`;
  }

  isOfThisResource(id: string): boolean {
    return id.startsWith(`8:acs:${communicationResource.id}_`);
  }

  find(id: string): Identity | undefined {
    return this.#identities.get(id);
  }

  has(id: string): boolean {
    return this.#identities.has(id);
  }

  tokenIssued(id: string, now: number): void {
    const identity = this.#identities.get(id);
    if (identity) identity.lastTokenIssuedAt = now;
  }

  delete(id: string): boolean {
    return this.#identities.delete(id);
  }

  all(): Identity[] {
    return [...this.#identities.values()].map((identity) => ({ ...identity }));
  }

  snapshot(): IdentitiesSnapshot {
    return { identities: this.all(), customIds: [...this.#idByCustomId] };
  }

  restore({ identities, customIds }: IdentitiesSnapshot): void {
    this.clear();
    for (const identity of identities) this.#identities.set(identity.id, identity);
    for (const [customId, id] of customIds) this.#idByCustomId.set(customId, id);
  }

  clear(): void {
    this.#identities.clear();
    this.#idByCustomId.clear();
  }
}

function newId(): string {
  return `8:acs:${communicationResource.id}_${randomUUID()}`;
}
