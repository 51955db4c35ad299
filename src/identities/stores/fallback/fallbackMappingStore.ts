import type { Log } from '../../../log';
import type { AuthenticatedUser } from '../../../authentication/authenticatedUser';
import { ApiError } from '../../../errors';
import type { Deadline } from '../../../resilience/deadline';
import { UpstreamError } from '../../../resilience/upstreamError';
import type { FindOptions, MappingStore, StoredMapping } from '../../mappingStore';

/** The store that users are moved from. */
export interface PreviousMappingStore extends MappingStore {
  /** Removes the mapping if it is still `expected`, without a pending deletion, which tells other instances to delete the identity. */
  discard(
    user: AuthenticatedUser,
    expected: StoredMapping,
    deadline: Deadline,
  ): Promise<'removed' | 'absent' | 'conflict'>;
}

export interface FallbackOptions {
  /** Linearizable. */
  current: MappingStore;
  previous: PreviousMappingStore;
  log: Log;
}

/** Which of the two stores a mapping was read from. */
class Origin {
  constructor(
    readonly store: 'current' | 'previous',
    readonly version: unknown,
  ) {}
}

/**
 * Moves users from one store to another, one at a time, on their first use, with the identity that they have. The order makes every
 * crash harmless: the mapping is added to the current store first and removed from the previous one last, so that it is always in
 * one of them. A deletion goes the other way, so that no mapping of a deleted identity stays behind to be moved.
 */
export function createFallbackMappingStore({ current, previous, log }: FallbackOptions): MappingStore {
  const from = (store: Origin['store'], mapping: StoredMapping): StoredMapping => ({
    ...mapping,
    version: new Origin(store, mapping.version),
  });

  /** A user whom an administrator names may no longer be in the directory, and then has no mapping there. */
  async function findPrevious(user: AuthenticatedUser, options: FindOptions) {
    try {
      return await previous.find(user, options);
    } catch (error) {
      const noSuchUser = user.isAbsent && error instanceof ApiError && error.code === 'user_not_found';
      if (!noSuchUser) throw error;
      return undefined;
    }
  }

  /** Undefined if the previous store has changed since: then both stores must be read again. */
  async function move(
    user: AuthenticatedUser,
    old: StoredMapping,
    deadline: Deadline,
  ): Promise<StoredMapping | undefined> {
    const { outcome, mapping } = await current.add(user, old.communicationUserId, { deadline });
    // Another instance has moved the user, or has given them a new identity.
    if (outcome === 'exists') return from('current', mapping);
    const discarded = await tryToDiscard(user, old, deadline);
    if (discarded === 'removed') {
      log.info({ user: user.subject }, 'mapping moved to the current identity store');
      return from('current', mapping);
    }
    // An instance that knows only the previous store is deleting the user, or has deleted them.
    await current.remove(user, mapping, deadline);
    return undefined;
  }

  /** A mapping that stays behind does no harm: it names the same identity, and is removed with it. */
  async function tryToDiscard(user: AuthenticatedUser, old: StoredMapping, deadline: Deadline) {
    try {
      return await previous.discard(user, old, deadline);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      log.warn(
        { err: error, user: user.subject },
        'moved mapping could not be removed from the previous identity store',
      );
      return 'removed';
    }
  }

  /** Called before the last mapping of an identity is removed. `another`: the previous store maps the user to another identity. */
  async function clearPrevious(
    user: AuthenticatedUser,
    expected: StoredMapping,
    deadline: Deadline,
  ): Promise<'cleared' | 'another'> {
    const old = await findPrevious(user, { deadline, intent: 'delete' });
    if (!old) return 'cleared';
    if (old.untrusted) {
      await previous.remove(user, old, deadline);
      return 'cleared';
    }
    if (old.communicationUserId !== expected.communicationUserId) {
      // Made by an instance that knows only the previous store. A pending deletion removes it with its identity.
      if (!old.pendingDeletion) await previous.replace(user, old, { pendingDeletion: true }, deadline);
      return 'another';
    }
    // An instance that knows only the previous store has begun to delete the user, and may have failed.
    if (old.pendingDeletion) await previous.remove(user, old, deadline);
    else await previous.discard(user, old, deadline);
    return 'cleared';
  }

  const store: MappingStore = {
    removalHint: `${current.removalHint}, and ${previous.removalHint}`,

    async find(user: AuthenticatedUser, options: FindOptions) {
      for (;;) {
        const mapping = await current.find(user, options);
        if (mapping && user.isAbsent && options.intent === 'delete') {
          // Fail before the deletion begins if an administrator cannot remove a mapping from the previous store.
          await findPrevious(user, options);
        }
        if (mapping) return from('current', mapping);
        const old = await findPrevious(user, options);
        if (!old) {
          // Another instance may have moved the user since the first read.
          const moved = await current.find(user, options);
          return moved && from('current', moved);
        }
        const movable = !old.untrusted && !old.pendingDeletion && options.intent !== 'look';
        if (!movable) return from('previous', old);
        const moved = await move(user, old, options.deadline);
        if (moved) return moved;
        options.deadline.signal.throwIfAborted();
      }
    },

    async add(user, communicationUserId, options) {
      const { outcome, mapping } = await current.add(user, communicationUserId, options);
      return { outcome, mapping: from('current', mapping) };
    },

    cancelAdd: (user, communicationUserId, deadline) =>
      current.cancelAdd(user, communicationUserId, deadline),

    async replace(user, expected, change, deadline) {
      const { origin, mapping } = split(expected);
      const target = origin === 'current' ? current : previous;
      const result = await target.replace(user, mapping, change, deadline);
      return result.outcome === 'replaced'
        ? { outcome: 'replaced', mapping: from(origin, result.mapping) }
        : result;
    },

    async remove(user, expected, deadline) {
      const { origin, mapping } = split(expected);
      if (origin === 'previous') return previous.remove(user, mapping, deadline);
      const cleared = await clearPrevious(user, mapping, deadline);
      const removed = await current.remove(user, mapping, deadline);
      return cleared === 'another' ? 'conflict' : removed;
    },
  };
  return store;
}

function split(mapping: StoredMapping): { origin: Origin['store']; mapping: StoredMapping } {
  const { version } = mapping;
  if (!(version instanceof Origin)) throw new TypeError('the mapping comes from another store');
  return { origin: version.store, mapping: { ...mapping, version: version.version } };
}
