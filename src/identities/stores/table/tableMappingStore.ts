import { randomUUID } from 'node:crypto';
import type { AuthenticatedUser } from '../../../authentication/authenticatedUser';
import type { Deadline } from '../../../resilience/deadline';
import { UpstreamError } from '../../../resilience/upstreamError';
import type { MappingStore, StoredMapping } from '../../mappingStore';
import { addOrFind } from '../addOrFind';
import type { MappingRow, MappingTable, StoredRow } from './mappingTable';
import { partitionKeyOf } from './rowKeys';

/**
 * Mappings in a table, whose reads are consistent and whose writes are conditional: inserting decides between creators, ETags between
 * all others. Only the server and its operators can write there, so mappings need no seal (docs/decisions/0020).
 */
export function createTableMappingStore(table: MappingTable): MappingStore {
  async function find(user: AuthenticatedUser, deadline: Deadline): Promise<StoredMapping | undefined> {
    const row = await table.get(partitionKeyOf(user), deadline);
    return row && toMapping(row);
  }

  return {
    removalHint: 'from the table',

    find: (user, { deadline }) => find(user, deadline),

    add(user, communicationUserId, deadline) {
      const row: MappingRow = { communicationUserId, pendingDeletion: false, writeId: randomUUID() };
      return addOrFind({
        communicationUserId,
        deadline,
        async insert() {
          const inserted = await table.insert(partitionKeyOf(user), row, deadline);
          return inserted === 'exists' ? 'exists' : toMapping({ ...row, ...inserted });
        },
        find: () => find(user, deadline),
        inconsistentReadError,
      });
    },

    async replace(user, expected, { pendingDeletion }, deadline) {
      const { communicationUserId } = expected;
      const row: MappingRow = { communicationUserId, pendingDeletion, writeId: randomUUID() };
      const written = await table.update(partitionKeyOf(user), etagOf(expected), row, deadline);
      if (written === 'absent') return { outcome: 'absent' };
      if (written !== 'conflict') return { outcome: 'replaced', mapping: toMapping({ ...row, ...written }) };
      // The conflict may be our own write, whose response was lost.
      const current = await table.get(partitionKeyOf(user), deadline);
      if (!current) return { outcome: 'absent' };
      return current.writeId === row.writeId
        ? { outcome: 'replaced', mapping: toMapping(current) }
        : { outcome: 'conflict' };
    },

    async remove(user, expected, deadline) {
      const outcome = await table.delete(partitionKeyOf(user), etagOf(expected), deadline);
      return outcome === 'deleted' ? 'removed' : outcome;
    },
  };
}

function toMapping({ communicationUserId, pendingDeletion, etag }: StoredRow): StoredMapping {
  return { communicationUserId, pendingDeletion, version: etag };
}

function etagOf({ version }: StoredMapping): string {
  if (typeof version === 'string') return version;
  throw new TypeError('the mapping comes from another store');
}

function inconsistentReadError(): UpstreamError {
  return new UpstreamError('Azure Table Storage', 'add mapping', {
    transportFailure: 'invalid_response',
    message: 'reports an existing row but does not return it',
  });
}
