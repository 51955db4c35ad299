import type { MappingRow, MappingTable, StoredRow } from '../../src/identities/stores/table/mappingTable';
import type { Deadline } from '../../src/resilience/deadline';
import type { CallOptions, Upstream } from '../../src/resilience/upstream';
import type { Scheduler } from '../scheduler';
import { describe } from './describe';

/** A table whose operations on a row are atomic, as Azure's are. */
export interface TableService {
  client(upstream: Upstream): MappingTable;
  rows(): StoredRow[];
}

export function createTableService(scheduler: Scheduler): TableService {
  const rows = new Map<string, StoredRow>();
  let writes = 0;
  const write = (key: string, row: MappingRow) => {
    const stored = { ...row, etag: `etag ${(writes += 1)}` };
    rows.set(key, stored);
    return { etag: stored.etag };
  };
  const check = (key: string, etag: string) => {
    const row = rows.get(key);
    if (!row) return 'absent';
    return row.etag === etag ? 'current' : 'conflict';
  };

  return {
    rows: () => [...rows.values()],
    client(upstream) {
      const call = <T>(
        operation: string,
        deadline: Deadline,
        work: () => T,
        retryOn: CallOptions<T>['retryOn'] = 'any_failure',
      ) =>
        upstream.call<T>(operation, { deadline, retryOn, describe }, (signal) =>
          scheduler.call(operation, work, { signal }),
        );
      return {
        ensureExists: () => Promise.resolve(),
        get: (key, deadline) => call('read mapping', deadline, () => rows.get(key)),
        insert: (key, row, deadline) =>
          call('add mapping', deadline, () => (rows.has(key) ? 'exists' : write(key, row)), 'never'),
        update: (key, etag, row, deadline, retryOn) =>
          call(
            'change mapping',
            deadline,
            () => {
              const state = check(key, etag);
              return state === 'current' ? write(key, row) : state;
            },
            retryOn,
          ),
        delete: (key, etag, deadline) =>
          call('remove mapping', deadline, () => {
            const state = check(key, etag);
            if (state !== 'current') return state;
            rows.delete(key);
            return 'deleted';
          }),
      };
    },
  };
}
