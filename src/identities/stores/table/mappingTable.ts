import { z } from 'zod';
import type { TableStoreConfig } from '../../../config/identities';
import { once } from '../../../loadOnDemand';
import { type Deadline, withSignal } from '../../../resilience/deadline';
import type { CallOptions, Upstream } from '../../../resilience/upstream';
import { createTableClient, type TableClient, type TableClientOptions } from './tableClient';
import { describeTableError } from './tableErrors';

/** The row of one user. */
export interface MappingRow {
  /** Empty: the row is reserved and maps nothing. */
  readonly communicationUserId: string;
  /** Present while the identity is being deleted. */
  readonly pendingDeletion: boolean;
  /** Random for each write, so that a writer whose response was lost recognizes its own row. */
  readonly writeId: string;
}

export interface StoredRow extends MappingRow {
  readonly etag: string;
}

/** The table's operations on one row, under the same time limits and circuit breaker as every upstream. All throw UpstreamError. */
export interface MappingTable {
  /** Creates the table if it does not exist; succeeds also if it exists and may not be created. */
  ensureExists(deadline: Deadline): Promise<void>;
  get(partitionKey: string, deadline: Deadline): Promise<StoredRow | undefined>;
  /** Never retried. Unless the error is `definitelyNotApplied`, the row may have been inserted. */
  insert(partitionKey: string, row: MappingRow, deadline: Deadline): Promise<{ etag: string } | 'exists'>;
  /** By default retried: after a lost response, `conflict` and `absent` may be consequences of our own write. */
  update(
    partitionKey: string,
    etag: string,
    row: MappingRow,
    deadline: Deadline,
    retryOn?: 'any_failure' | 'never',
  ): Promise<{ etag: string } | 'conflict' | 'absent'>;
  delete(partitionKey: string, etag: string, deadline: Deadline): Promise<'deleted' | 'conflict' | 'absent'>;
}

const rowKey = 'mapping';

const storedRow = z.looseObject({
  communicationUserId: z.string(),
  pendingDeletion: z.boolean(),
  writeId: z.string(),
  etag: z.string().min(1),
});

const written = z.object({ etag: z.string().min(1) });

export interface MappingTableOptions extends TableClientOptions {
  /** Called when the table does not exist and could not be created. */
  onMissing?: () => void;
}

export function createMappingTable(
  config: TableStoreConfig,
  upstream: Upstream,
  { credentialTimeLimitInMs, requestScope, telemetry, onMissing }: MappingTableOptions,
): MappingTable {
  const loadClient = once(() =>
    createTableClient(config, { credentialTimeLimitInMs, requestScope, telemetry }),
  );

  interface Call<T> {
    operation: string;
    retryOn: CallOptions<T>['retryOn'];
    send: (client: TableClient, options: { abortSignal: AbortSignal }) => Promise<T>;
    /** Expected outcomes by the service's error code. */
    outcomes?: Readonly<Record<string, T>>;
  }

  function call<T>(deadline: Deadline, { operation, retryOn, send, outcomes = {} }: Call<T>): Promise<T> {
    return upstream.call(
      operation,
      { deadline, retryOn, describe: describeTableError },
      async (abortSignal) => {
        try {
          const client = await loadClient();
          // Loading the SDK may have taken the whole time.
          abortSignal.throwIfAborted();
          // The SDK does not abort while it waits for the token of a managed identity.
          return await withSignal(sendOrCreateTable(client, send, abortSignal), abortSignal);
        } catch (error) {
          const code = describeTableError(error).code ?? '';
          const outcome = Object.hasOwn(outcomes, code) ? outcomes[code] : undefined;
          if (outcome === undefined) throw error;
          return outcome;
        }
      },
    );
  }

  /** A table that was removed while the server runs is created again: without it nobody could be served. */
  async function sendOrCreateTable<T>(
    client: TableClient,
    send: Call<T>['send'],
    abortSignal: AbortSignal,
  ): Promise<T> {
    try {
      return await send(client, { abortSignal });
    } catch (error) {
      if (describeTableError(error).code !== 'TableNotFound') throw error;
    }
    try {
      await client.createTable({ abortSignal });
    } catch (error) {
      onMissing?.();
      throw error;
    }
    return send(client, { abortSignal });
  }

  const entityOf = (partitionKey: string, { communicationUserId, pendingDeletion, writeId }: MappingRow) => ({
    partitionKey,
    rowKey,
    communicationUserId,
    pendingDeletion,
    writeId,
  });

  return {
    async ensureExists(deadline) {
      await call<true>(deadline, {
        operation: 'create table',
        retryOn: 'never',
        // Read first: an identity that may not create tables can still use one that exists.
        async send(client, options) {
          await client.getEntity('start', rowKey, options);
          return true;
        },
        outcomes: { ResourceNotFound: true, EntityNotFound: true },
      });
    },

    async get(partitionKey, deadline) {
      const found = await call<StoredRow | 'absent'>(deadline, {
        operation: 'read mapping',
        retryOn: 'any_failure',
        send: async (client, options) =>
          storedRow.parse(await client.getEntity(partitionKey, rowKey, options)),
        outcomes: { ResourceNotFound: 'absent', EntityNotFound: 'absent' },
      });
      return found === 'absent' ? undefined : found;
    },

    insert: (partitionKey, row, deadline) =>
      call<{ etag: string } | 'exists'>(deadline, {
        operation: 'add mapping',
        retryOn: 'never',
        async send(client, options) {
          return written.parse(await client.createEntity(entityOf(partitionKey, row), options));
        },
        outcomes: { EntityAlreadyExists: 'exists' },
      }),

    update: (partitionKey, etag, row, deadline, retryOn = 'any_failure') =>
      call<{ etag: string } | 'conflict' | 'absent'>(deadline, {
        operation: 'change mapping',
        retryOn,
        async send(client, options) {
          const entity = entityOf(partitionKey, row);
          return written.parse(await client.updateEntity(entity, 'Replace', { ...options, etag }));
        },
        outcomes: {
          UpdateConditionNotSatisfied: 'conflict',
          ConditionNotMet: 'conflict',
          ResourceNotFound: 'absent',
          EntityNotFound: 'absent',
        },
      }),

    delete: (partitionKey, etag, deadline) =>
      call<'deleted' | 'conflict' | 'absent'>(deadline, {
        operation: 'remove mapping',
        retryOn: 'any_failure',
        async send(client, options) {
          await client.deleteEntity(partitionKey, rowKey, { ...options, etag });
          return 'deleted';
        },
        outcomes: {
          UpdateConditionNotSatisfied: 'conflict',
          ConditionNotMet: 'conflict',
          ResourceNotFound: 'absent',
          EntityNotFound: 'absent',
        },
      }),
  };
}
