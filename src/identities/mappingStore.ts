import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import type { ApiError } from '../errors';
import type { Deadline } from '../resilience/deadline';

/** A user's mapping as it was read: which identity is theirs, and whether it is being deleted. */
export interface StoredMapping {
  readonly communicationUserId: string;
  /** The identity must not be used: an instance has begun to delete it, and may have failed before the end. */
  readonly pendingDeletion: boolean;
  /**
   * Set by a store that others can write to: the error for a caller who wants to use the mapping. Such a mapping can be
   * removed, but the identity that it names may be another user's.
   */
  readonly untrusted?: ApiError | undefined;
  /** Identifies this version of the mapping within its store. */
  readonly version: unknown;
}

export interface FindOptions {
  deadline: Deadline;
  /**
   * What the mapping is read for: `look` shows it, `use` hands out its identity or adds one, `delete` deletes it. A store with
   * stale reads or without conditional writes takes more care before a change.
   */
  intent: 'look' | 'use' | 'delete';
  /** The identity that the user had when last seen: finding nothing may be a stale read. */
  lastKnown?: string | undefined;
  /** An identity that no longer exists: finding it may be a stale read. */
  gone?: string | undefined;
}

export interface AddOptions {
  deadline: Deadline;
  /**
   * Called before a failed add is repeated, because no mapping was found. If the first attempt was applied, another instance has deleted
   * the user since. Throws to end the operation.
   */
  beforeRepeat?: (() => Promise<void>) | undefined;
}

export type AddResult =
  | { readonly outcome: 'added'; readonly mapping: StoredMapping }
  | { readonly outcome: 'exists'; readonly mapping: StoredMapping };

export type ReplaceResult =
  | { readonly outcome: 'replaced'; readonly mapping: StoredMapping }
  | { readonly outcome: 'absent' | 'conflict' };

/**
 * Keeps at most one mapping for each user. Every operation is atomic, and a change applies only to the version that was read; the store
 * makes up for what its backend lacks. All methods throw UpstreamError if the backend fails, and ApiError if the caller must act.
 */
export interface MappingStore {
  /** How an operator removes a mapping by hand: the end of a sentence. */
  readonly removalHint: string;
  find(user: AuthenticatedUser, options: FindOptions): Promise<StoredMapping | undefined>;
  /**
   * Adds a mapping if there is none, otherwise returns the existing one. Unless the error is `definitelyNotApplied`, the mapping may have
   * been written.
   */
  add(user: AuthenticatedUser, communicationUserId: string, options: AddOptions): Promise<AddResult>;
  /**
   * For an `add` whose outcome is unknown: `added` if it has been applied. `cancelled` if not: then it has no effect any more, however late
   * its request arrives, except in a store that cannot prevent this.
   */
  cancelAdd(
    user: AuthenticatedUser,
    communicationUserId: string,
    deadline: Deadline,
  ): Promise<'added' | 'cancelled'>;
  /** Changes whether the deletion is pending, if the mapping is still `expected`. */
  replace(
    user: AuthenticatedUser,
    expected: StoredMapping,
    change: { pendingDeletion: boolean },
    deadline: Deadline,
  ): Promise<ReplaceResult>;
  /** Removes the mapping if it is still `expected`. */
  remove(
    user: AuthenticatedUser,
    expected: StoredMapping,
    deadline: Deadline,
  ): Promise<'removed' | 'absent' | 'conflict'>;
}
