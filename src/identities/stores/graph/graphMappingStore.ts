import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../../log';
import type { AuthenticatedUser } from '../../../authentication/authenticatedUser';
import type { ChangeOptions, ExtensionClient } from '../../../graph/extensionClient';
import { type Deadline, pause } from '../../../resilience/deadline';
import { UpstreamError } from '../../../resilience/upstreamError';
import type { Timings } from '../../../timings';
import type { StoredMapping } from '../../mappingStore';
import { addOrFind } from '../addOrFind';
import type { PreviousMappingStore } from '../fallback/fallbackMappingStore';
import type { MappingSeal } from './mappingSeal';
import { createSealedMappingFormat, type GraphMapping, GraphVersion } from './sealedMapping';

export interface GraphMappingStoreOptions {
  extensions: ExtensionClient;
  seal: MappingSeal;
  adoptUnsigned: boolean;
  timings: Timings['mappings'];
  log: Log;
}

/**
 * Mappings as open extensions on the Entra users. Graph refuses a second extension of the same name, so adding is atomic.
 * What Graph lacks is made up for here:
 *
 * - Others can write there: each mapping is sealed, and one without an intact seal is `untrusted`.
 * - Reads may be stale: what contradicts our own writes, or what the caller knows, is read again for a while.
 * - There are no conditional writes: before a mapping is removed, a claim is written to it, and it is read again, and only the last
 *   instance to claim it removes it. A window of one call remains, see docs/known-issues.md.
 */
export function createGraphMappingStore({
  extensions,
  seal,
  adoptUnsigned,
  timings,
  log,
}: GraphMappingStoreOptions): PreviousMappingStore {
  const format = createSealedMappingFormat(seal, adoptUnsigned);
  const ownClaims = `${randomUUID()}/`;
  /** Identities whose mapping this instance removed recently: they never come back, so finding one is a stale read. */
  const removed = new LRUCache<string, true>({ max: 10_000, ttl: 60_000 });

  async function read(
    user: AuthenticatedUser,
    deadline: Deadline,
    isPlausible: (mapping: GraphMapping | undefined) => boolean,
  ): Promise<GraphMapping | undefined> {
    for (let reads = 1; ; reads += 1) {
      const properties = await extensions.find(user, deadline);
      const mapping = properties && format.parse(user, properties);
      // A mapping that stays the same is not a stale read: the user, or one of their apps, may have restored it.
      if (mapping?.untrusted || isPlausible(mapping) || reads === timings.staleRead.reads) return mapping;
      await pause(timings.staleRead.pauseInMs * reads, deadline.signal);
    }
  }

  /** Waits while another instance deletes the mapping; returns it as it is if that takes too long. */
  async function readSettled(
    user: AuthenticatedUser,
    deadline: Deadline,
    isPlausible: (mapping: GraphMapping | undefined) => boolean,
  ): Promise<GraphMapping | undefined> {
    for (let reads = 1; ; reads += 1) {
      const mapping = await read(user, deadline, isPlausible);
      // With our own claim, it is a deletion that failed before: nobody is working on it.
      const isOfAnotherInstance = mapping?.pendingDeletion && !mapping.version.claim?.startsWith(ownClaims);
      if (!isOfAnotherInstance || reads === timings.pendingDeletion.reads) return mapping;
      await pause(timings.pendingDeletion.pauseInMs, deadline.signal);
    }
  }

  /** Seals a mapping that is adopted, or sealed with a previous key, with the current key. */
  async function sealWithCurrentKey(
    user: AuthenticatedUser,
    mapping: GraphMapping,
    deadline: Deadline,
  ): Promise<void> {
    const { communicationUserId, trust } = mapping;
    try {
      const properties = format.toProperties(user, { communicationUserId });
      await extensions.update(user, properties, changeOf(user, communicationUserId, deadline));
    } catch (error) {
      // A previous key is still valid: the next use tries again. A mapping without a seal must not be used before it has one.
      if (trust !== 'previous_key' || deadline.signal.aborted) throw error;
      log.warn({ err: error, user: user.subject }, 'mapping could not be sealed with the current key yet');
    }
  }

  /**
   * For a change of this identity's mapping. It is retried only if the mapping is still there: otherwise the first attempt, or another
   * instance, has removed it, and the retry might hit the mapping of a later creation.
   */
  const changeOf = (
    user: AuthenticatedUser,
    communicationUserId: string,
    deadline: Deadline,
    isPlausible: (mapping: GraphMapping | undefined) => boolean = (mapping) => mapping !== undefined,
  ): ChangeOptions => ({
    deadline,
    async beforeRetry() {
      const current = await read(user, deadline, isPlausible);
      if (!current) return 'absent';
      return current.communicationUserId === communicationUserId ? undefined : 'superseded';
    },
  });

  const acceptAbsence = () => true;
  const notRemoved = (mapping: GraphMapping | undefined) =>
    !mapping || !removed.has(mapping.communicationUserId);

  async function findForUse(
    user: AuthenticatedUser,
    deadline: Deadline,
    isPlausible: (mapping: GraphMapping | undefined) => boolean,
  ): Promise<GraphMapping | undefined> {
    const mapping = await readSettled(
      user,
      deadline,
      (candidate) => notRemoved(candidate) && isPlausible(candidate),
    );
    const needsSeal = mapping && mapping.trust !== 'sealed' && !mapping.untrusted && !mapping.pendingDeletion;
    if (needsSeal) await sealWithCurrentKey(user, mapping, deadline);
    return mapping;
  }

  const store: PreviousMappingStore = {
    removalHint: 'with Microsoft Graph (DELETE /me/extensions/<GRAPH_EXTENSION_NAME>)',

    find(user, { deadline, intent, lastKnown, gone }) {
      const isPlausible = (mapping: GraphMapping | undefined) =>
        notRemoved(mapping) && (mapping ? mapping.communicationUserId !== gone : lastKnown === undefined);
      switch (intent) {
        case 'look':
          return read(user, deadline, isPlausible);
        case 'use':
          return findForUse(user, deadline, isPlausible);
        case 'delete':
          return readSettled(user, deadline, isPlausible);
      }
    },

    add: (user, communicationUserId, { deadline, beforeRepeat }) =>
      addOrFind({
        deadline,
        async insert() {
          const properties = format.toProperties(user, { communicationUserId });
          const outcome = await extensions.create(user, properties, deadline);
          if (outcome === 'exists') return 'exists';
          return { communicationUserId, pendingDeletion: false, version: new GraphVersion(undefined) };
        },
        find: ({ mustExist }) => findForUse(user, deadline, (mapping) => !mustExist || mapping !== undefined),
        isOwnWrite: (found) => found.communicationUserId === communicationUserId && !found.pendingDeletion,
        inconsistentReadError,
        beforeRepeat,
      }),

    /** A write that arrives later cannot be prevented: docs/known-issues.md. */
    async cancelAdd(user, communicationUserId, deadline) {
      const mapping = await read(user, deadline, notRemoved);
      const isOwnWrite = !mapping?.untrusted && mapping?.communicationUserId === communicationUserId;
      return isOwnWrite ? 'added' : 'cancelled';
    },

    async replace(user, expected, { pendingDeletion }, deadline) {
      const { communicationUserId } = expected;
      const claim = pendingDeletion ? `${ownClaims}${randomUUID()}` : undefined;
      const properties = format.toProperties(user, { communicationUserId, deletion: claim });
      const outcome = await extensions.update(
        user,
        properties,
        changeOf(user, communicationUserId, deadline),
      );
      if (outcome !== 'updated') return { outcome: outcome === 'absent' ? 'absent' : 'conflict' };
      const version = new GraphVersion(claim, versionOf(expected));
      return { outcome: 'replaced', mapping: { communicationUserId, pendingDeletion, version } };
    },

    async remove(user, expected, deadline) {
      if (expected.untrusted) {
        await extensions.delete(user, {
          deadline,
          // Another instance may have removed it and created the user since.
          async beforeRetry() {
            const current = await read(user, deadline, acceptAbsence);
            if (!current) return 'absent';
            return current.untrusted ? undefined : 'superseded';
          },
        });
        return 'removed';
      }
      let version = versionOf(expected);
      if (version.claim === undefined || !version.replaced) {
        // It was read before the identity was deleted, which may have taken seconds.
        const latest = await read(user, deadline, (current) => current !== undefined);
        if (latest && latest.communicationUserId !== expected.communicationUserId) return 'absent';
        const claimed = await store.replace(user, expected, { pendingDeletion: true }, deadline);
        if (claimed.outcome !== 'replaced') return claimed.outcome;
        version = versionOf(claimed.mapping);
      }
      // We have just written it, so finding nothing is most likely a stale read.
      const current = await read(user, deadline, (mapping) => mapping !== undefined);
      if (current?.communicationUserId === expected.communicationUserId) {
        const { claim } = current.version;
        const claimedSince = claim !== version.claim && claim !== version.replaced?.claim;
        if (claimedSince) return 'conflict';
        // If it is there after all, it has a claim: the next request of the user completes the deletion.
        await extensions.delete(user, changeOf(user, expected.communicationUserId, deadline, acceptAbsence));
      }
      removed.set(expected.communicationUserId, true);
      return 'removed';
    },

    async discard(user, expected, deadline) {
      const current = await extensions.find(user, deadline);
      const mapping = current && format.parse(user, current);
      if (!mapping) return 'absent';
      const isExpected = mapping.communicationUserId === expected.communicationUserId;
      if (!isExpected || mapping.pendingDeletion) return 'conflict';
      const outcome = await extensions.delete(user, changeOf(user, expected.communicationUserId, deadline));
      if (outcome === 'superseded') return 'conflict';
      removed.set(expected.communicationUserId, true);
      return 'removed';
    },
  };
  return store;
}

function versionOf({ version }: StoredMapping): GraphVersion {
  if (version instanceof GraphVersion) return version;
  throw new TypeError('the mapping comes from another store');
}

function inconsistentReadError(): UpstreamError {
  return new UpstreamError('Microsoft Graph', 'create mapping', {
    transportFailure: 'invalid_response',
    message: 'reports an existing mapping but does not return it',
  });
}
