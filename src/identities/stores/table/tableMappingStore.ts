import { randomUUID } from 'node:crypto';
import { type Deadline, pause } from '../../../resilience/deadline';
import { UpstreamError } from '../../../resilience/upstreamError';
import type { Timings } from '../../../timings';
import type { MappingStore, StoredMapping } from '../../mappingStore';
import { addOrFind } from '../addOrFind';
import type { MappingRow, MappingTable, StoredRow } from './mappingTable';
import { partitionKeyOf } from './rowKeys';

/**
 * Mappings in a table, whose reads are consistent and whose writes are conditional: inserts decide between creators, ETags between all
 * other writers. Only the server and its operators can write there, so mappings need no seal (docs/decisions/0020).
 */
export function createTableMappingStore(
  table: MappingTable,
  { conflictPauseInMs }: Pick<Timings['mappings'], 'conflictPauseInMs'>,
): MappingStore {
  /**
   * In place of a reserved row, or as a new one. Never retried: after a lost response, another instance may have deleted the row and its
   * identity, which the result of a retry would not show.
   */
  const place = (key: string, reserved: StoredRow | undefined, row: MappingRow, deadline: Deadline) =>
    reserved ? table.update(key, reserved.etag, row, deadline, 'never') : table.insert(key, row, deadline);

  return {
    removalHint: 'from the table',

    async find(user, { deadline }) {
      const row = await table.get(partitionKeyOf(user), deadline);
      return row && !isReserved(row) ? toMapping(row) : undefined;
    },

    add(user, communicationUserId, { deadline, beforeRepeat }) {
      const key = partitionKeyOf(user);
      const row = newRow(communicationUserId);
      let found: StoredRow | undefined;
      return addOrFind({
        deadline,
        async insert() {
          // Repeated only if no mapping was found.
          const written = await place(key, found, row, deadline);
          return typeof written === 'string' ? 'exists' : toMapping({ ...row, ...written });
        },
        async find() {
          found = await table.get(key, deadline);
          return found && !isReserved(found) ? toMapping(found) : undefined;
        },
        // Not by the identity: another instance that moves the user from another store adds the same one.
        isOwnWrite: () => found?.writeId === row.writeId,
        inconsistentReadError,
        beforeRepeat,
      });
    },

    /** Reserves the row: a late insert then finds a row, and a late update a different ETag. */
    async cancelAdd(user, communicationUserId, deadline) {
      const key = partitionKeyOf(user);
      for (;;) {
        const found = await table.get(key, deadline);
        if (found && !isReserved(found))
          return found.communicationUserId === communicationUserId ? 'added' : 'cancelled';
        const row = newRow(reservation);
        const written = await place(key, found, row, deadline);
        if (typeof written !== 'string') return 'cancelled';
        // Another instance has written since: look again.
        await pause(conflictPauseInMs, deadline.signal);
      }
    },

    async replace(user, expected, { pendingDeletion }, deadline) {
      const { communicationUserId } = expected;
      const row = newRow(communicationUserId, pendingDeletion);
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

/** Instead of an identity: the row reserves the user's place until a mapping is added. */
const reservation = '';

const isReserved = ({ communicationUserId }: MappingRow) => communicationUserId === reservation;

function newRow(communicationUserId: string, pendingDeletion = false): MappingRow {
  return { communicationUserId, pendingDeletion, writeId: randomUUID() };
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
