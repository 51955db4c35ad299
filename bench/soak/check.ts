import { findViolation, type Operation, type Violation } from '../../simulation/history';
import type { Cluster, Entry } from './cluster';

/** What was wrong during the run or at its end. */
export interface Findings {
  readonly violations: readonly Violation[];
  /** Entries of the store that name an identity that does not exist, and whose deletion is not pending. */
  readonly dangling: readonly string[];
  /** Identities that no entry names. */
  readonly orphans: readonly string[];
}

/**
 * Checks each user's history. Only results that no order of overlapping requests can explain are violations: a failed deletion, for
 * example, may take effect at any later time.
 *
 * @param createdOnce see `findViolation`
 */
export function checkHistory(operations: readonly Operation[], createdOnce: boolean): Violation[] {
  const byUser = new Map<number, Operation[]>();
  for (const operation of operations) {
    byUser.set(operation.user, [...(byUser.get(operation.user) ?? []), operation]);
  }
  const violations: Violation[] = [];
  const owners = new Map<string, number>();
  for (const [user, own] of byUser) {
    const broken = findViolation(own, (id) => id, createdOnce);
    if (broken) violations.push(broken);
    for (const { id } of own) {
      if (id === undefined) continue;
      const owner = owners.get(id) ?? user;
      owners.set(id, owner);
      if (owner !== user) violations.push({ invariant: 'an identity belongs to one user', details: id });
    }
  }
  return violations;
}

export async function compareStore(cluster: Cluster): Promise<Pick<Findings, 'dangling' | 'orphans'>> {
  const entries = await cluster.entries();
  const existing = new Set(cluster.emulator.identities().map(({ id }) => id));
  const mapped = new Set(entries.map(({ communicationUserId }) => communicationUserId));
  const isDangling = ({ communicationUserId, pendingDeletion }: Entry) =>
    !pendingDeletion && !existing.has(communicationUserId);
  return {
    dangling: entries.filter(isDangling).map(({ communicationUserId }) => communicationUserId),
    orphans: [...existing].filter((id) => !mapped.has(id)),
  };
}
