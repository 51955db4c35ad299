import { type Deadline, pause } from '../../resilience/deadline';
import { UpstreamError } from '../../resilience/upstreamError';
import type { AddOptions, AddResult, StoredMapping } from '../mappingStore';

export interface AddAttempts {
  deadline: Deadline;
  /** One insert-if-absent. */
  insert: () => Promise<StoredMapping | 'exists'>;
  /** Reads the mapping; `mustExist` after the backend reported that there is one. */
  find: (options: { mustExist: boolean }) => Promise<StoredMapping | undefined>;
  /** Whether the mapping that was found last is the one that `insert` wrote, although it seemed to fail. */
  isOwnWrite: (found: StoredMapping) => boolean;
  /** For a backend that reports a mapping and does not return it. */
  inconsistentReadError: () => UpstreamError;
  beforeRepeat: AddOptions['beforeRepeat'];
}

const maxRetries = 2;
const minAttemptInMs = 250;

/**
 * Adds a mapping through a backend whose insert-if-absent is atomic. An insert may have been applied although it failed, so each
 * failure is resolved by reading. If that fails too, the error is one that is not `definitelyNotApplied`.
 */
export async function addOrFind({
  deadline,
  insert,
  find,
  isOwnWrite,
  inconsistentReadError,
  beforeRepeat,
}: AddAttempts): Promise<AddResult> {
  let uncertain: UpstreamError | undefined;
  for (let retry = 0; ; retry += 1) {
    let failure: UpstreamError | undefined;
    try {
      const inserted = await insert();
      if (inserted !== 'exists') return { outcome: 'added', mapping: inserted };
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      failure = error;
      if (!failure.definitelyNotApplied) uncertain ??= failure;
    }
    const waitInMs = (failure?.details.retryAfterInSeconds ?? 0.1 * (retry + 1)) * 1_000;
    if (waitInMs + minAttemptInMs > deadline.remainingInMs())
      throw uncertain ?? failure ?? inconsistentReadError();
    if (failure?.transient) await pause(waitInMs * (1 + 0.2 * Math.random()), deadline.signal);

    let existing: StoredMapping | undefined;
    try {
      existing = await find({ mustExist: failure === undefined });
      if (!existing && uncertain) await beforeRepeat?.();
    } catch (error) {
      throw error instanceof UpstreamError ? (uncertain ?? failure ?? error) : error;
    }
    if (existing) return { outcome: isOwnWrite(existing) ? 'added' : 'exists', mapping: existing };
    if (retry === maxRetries || (failure && !failure.transient))
      throw uncertain ?? failure ?? inconsistentReadError();
  }
}
