import { randomUUID } from 'node:crypto';
import { communicationResource } from '../seed';

/** The living identities of the communication resource. */
export class Identities {
  readonly #createdAt = new Map<string, number>();

  create(now: number): string {
    const id = `8:acs:${communicationResource.id}_${randomUUID()}`;
    this.#createdAt.set(id, now);
    return id;
  }

  /** Of the other resource: it lives there, and this resource's key does not reach it. */
  createForeign(): string {
    return `8:acs:${communicationResource.otherId}_${randomUUID()}`;
  }

  isOfThisResource(id: string): boolean {
    return id.startsWith(`8:acs:${communicationResource.id}_`);
  }

  has(id: string): boolean {
    return this.#createdAt.has(id);
  }

  delete(id: string): boolean {
    return this.#createdAt.delete(id);
  }

  all(): { id: string; createdAt: Date }[] {
    return [...this.#createdAt].map(([id, createdAt]) => ({ id, createdAt: new Date(createdAt) }));
  }

  clear(): void {
    this.#createdAt.clear();
  }
}
