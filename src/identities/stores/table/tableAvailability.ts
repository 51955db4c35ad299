import type { Log } from '../../../log';
import { withDeadline } from '../../../resilience/deadline';
import { UpstreamError } from '../../../resilience/upstreamError';
import type { Timings } from '../../../timings';
import type { MappingTable } from './mappingTable';

/** Whether the table can be used, so that readiness can say so without a call. */
export interface TableAvailability {
  /** Finds or creates the table in the background, until it succeeds. Calling it again during an attempt has no effect. */
  start(): void;
  stop(): void;
  /** Undefined once the table has been found, until it is reported missing. */
  unavailableReason(): string | undefined;
}

export interface TableAvailabilityOptions {
  table: Pick<MappingTable, 'ensureExists'>;
  tableName: string;
  timings: Timings['table'];
  log: Log;
}

export function createTableAvailability({
  table,
  tableName,
  timings,
  log,
}: TableAvailabilityOptions): TableAvailability {
  let reason: string | undefined = `the table ${tableName} has not been checked yet`;
  let working = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function ensureExists(delayInMs: number): Promise<void> {
    try {
      await withDeadline(timings.attemptInMs, undefined, (deadline) => table.ensureExists(deadline));
      reason = undefined;
      working = false;
      log.info({ table: tableName }, 'the table of the identity store is available');
    } catch (error) {
      reason = `the table ${tableName} cannot be found or created: ${describe(error)}`;
      log.warn({ err: error, table: tableName }, 'the table of the identity store is not available');
      const nextDelayInMs = Math.min(2 * delayInMs, timings.maxRetryDelayInMs);
      if (!stopped) timer = setTimeout(() => void ensureExists(nextDelayInMs), delayInMs).unref();
    }
  }

  return {
    start() {
      if (working || stopped) return;
      working = true;
      void ensureExists(timings.firstRetryDelayInMs);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    unavailableReason: () => reason,
  };
}

/** Anyone can read it: no more than the operator needs to find the cause in the log. */
function describe(error: unknown): string {
  if (!(error instanceof UpstreamError)) return 'see the log';
  const { status, code } = error.details;
  if (status === 403) {
    const remedy =
      code === 'AuthenticationFailed'
        ? 'check the account key in TABLES_CONNECTION_STRING, which may have been regenerated'
        : 'give it the role Storage Table Data Contributor';
    return `the server may not create or read it (HTTP 403${code ? `, ${code}` : ''}); ${remedy}`;
  }
  if (status === undefined) return 'the table service does not respond';
  return `the table service returned HTTP ${status}${code ? `, ${code}` : ''}`;
}
