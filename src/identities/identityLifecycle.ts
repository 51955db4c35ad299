import type { Log } from '../log';
import type {
  AcsIdentityClient,
  CommunicationToken,
  CreatedUser,
  UnusableIdentity,
} from '../acs/acsIdentityClient';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import { type Deadline, pause, withDeadline } from '../resilience/deadline';
import type { PendingWork } from '../resilience/pendingWork';
import { UpstreamError } from '../resilience/upstreamError';
import type { Timings } from '../timings';
import type { Telemetry } from '../telemetry/telemetry';
import type { FindOptions, MappingStore, StoredMapping } from './mappingStore';
import { createOrphanCleanup } from './orphanCleanup';
import { createResourceOwnership, wrongResourceError } from './resourceOwnership';

export interface UserIdentity {
  readonly communicationUserId: string;
  readonly created: boolean;
  /** Present if the identity was created together with its first token. */
  readonly token?: CommunicationToken | undefined;
}

export interface FindOrCreateOptions {
  withToken: boolean;
  deadline: Deadline;
  /** Called before an identity is created. From then on another instance may delete it before the caller learns of it. */
  beforeCreation?: () => void;
}

/** Finds, creates, replaces and deletes the one identity of a user. Operations of one user must not overlap within a process. */
export interface IdentityLifecycle {
  /**
   * Undefined if the user has no identity, or one that is being deleted.
   *
   * @param lastKnown the identity that the user had when last seen
   */
  find(
    user: AuthenticatedUser,
    lastKnown: string | undefined,
    deadline: Deadline,
  ): Promise<string | undefined>;
  findOrCreate(user: AuthenticatedUser, options: FindOrCreateOptions): Promise<UserIdentity>;
  /** After ACS reported that it has no such identity: the identity that the user has now, which may be a new one. */
  replace(
    user: AuthenticatedUser,
    unusable: string,
    reason: UnusableIdentity,
    deadline: Deadline,
  ): Promise<UserIdentity>;
  /** Can be repeated until it succeeds. `lastKnown`: the identity that the user had when last seen. */
  delete(user: AuthenticatedUser, lastKnown: string | undefined, deadline: Deadline): Promise<void>;
}

export interface IdentityLifecycleOptions {
  store: MappingStore;
  acs: AcsIdentityClient;
  pendingWork: Pick<PendingWork, 'add'>;
  timings: Pick<Timings, 'mappings' | 'orphanCleanup'>;
  log: Log;
  telemetry?: Telemetry | undefined;
}

/** The identity was mapped, although adding its mapping seemed to have failed, and has been deleted since. */
class DeletedMeanwhileError extends Error {}

/**
 * The lifecycle over a store of mappings and ACS, which know nothing of each other. Between instances these steps decide:
 *
 * - Create: the identity first, then the mapping. The store accepts one mapping, so one creator wins; the others delete what
 *   they created and use the winner's.
 * - Delete: set the mapping's pending deletion, delete the identity, remove the mapping last. An instance that finds a pending
 *   deletion completes it, and nobody uses the identity any more.
 * - Replace: an identity that no longer exists has its mapping removed, then a new one is created as above.
 */
export function createIdentityLifecycle({
  store,
  acs,
  pendingWork,
  timings,
  log,
  telemetry,
}: IdentityLifecycleOptions): IdentityLifecycle {
  const orphanCleanup = createOrphanCleanup({
    store,
    acs,
    pendingWork,
    timings: timings.orphanCleanup,
    log,
    telemetry,
  });
  const ownership = createResourceOwnership();
  const wrongResource = () => wrongResourceError(store.removalHint);

  /** The user's mapping. A pending deletion is completed first. */
  async function settledMapping(
    user: AuthenticatedUser,
    options: FindOptions,
  ): Promise<StoredMapping | undefined> {
    for (;;) {
      const mapping = await store.find(user, options);
      if (!mapping?.pendingDeletion || mapping.untrusted) return mapping;
      if (await deleteMapped(user, mapping, options.deadline)) return undefined;
      await pause(timings.mappings.conflictPauseInMs, options.deadline.signal);
    }
  }

  async function usableIdentity(user: AuthenticatedUser, options: FindOptions): Promise<string | undefined> {
    const mapping = await settledMapping(user, options);
    if (mapping?.untrusted) throw mapping.untrusted;
    return mapping?.communicationUserId;
  }

  /** Deletes the identity and then its mapping; false if another instance has changed the mapping since. */
  async function deleteMapped(
    user: AuthenticatedUser,
    mapping: StoredMapping,
    deadline: Deadline,
  ): Promise<boolean> {
    const { communicationUserId } = mapping;
    let pending = mapping;
    if (!mapping.pendingDeletion) {
      const change = await store.replace(user, mapping, { pendingDeletion: true }, deadline);
      if (change.outcome !== 'replaced') return change.outcome === 'absent';
      pending = change.mapping;
    }
    const deleted = await acs.deleteUser(communicationUserId, deadline);
    if (deleted === 'deleted') telemetry?.count('identity_deleted');
    if (deleted === 'not_owned' && !ownership.belongsToThisResource(communicationUserId)) {
      await store.replace(user, pending, { pendingDeletion: false }, deadline);
      throw wrongResource();
    }
    return (await store.remove(user, pending, deadline)) !== 'conflict';
  }

  /**
   * Once begun it runs to the end, also if the caller disconnects: an identity without a mapping would be an orphan.
   *
   * @param replacing an identity whose mapping has to be removed first
   */
  function createAndMap(
    user: AuthenticatedUser,
    { withToken, deadline, replacing }: { withToken: boolean; deadline: Deadline; replacing?: StoredMapping },
  ): Promise<UserIdentity> {
    const work = withDeadline(deadline.remainingInMs(), undefined, async (own) => {
      const onLateResult = (late: Promise<CreatedUser>) => void pendingWork.add(cleanUpLate(user, late));
      const created = await (withToken
        ? acs.createUserWithToken(own, onLateResult)
        : acs.createUser(own, onLateResult));
      const { communicationUserId } = created;
      ownership.learnFrom(communicationUserId);
      try {
        if (replacing) {
          if (ownership.belongsToAnotherResource(replacing.communicationUserId)) throw wrongResource();
          await store.remove(user, replacing, own);
        }
        const mapped = await addOrUseExisting(user, communicationUserId, own);
        if (mapped === communicationUserId) {
          telemetry?.count('identity_created');
          return { ...created, created: true };
        }
        await orphanCleanup.cleanUp(user, communicationUserId, { mayBeMapped: false });
        return { communicationUserId: mapped, created: false };
      } catch (error) {
        const mayBeMapped = !(error instanceof UpstreamError && error.definitelyNotApplied);
        await orphanCleanup.cleanUp(user, communicationUserId, { mayBeMapped });
        if (error instanceof DeletedMeanwhileError) return createAndMap(user, { withToken, deadline: own });
        throw error;
      }
    });
    return pendingWork.add(work);
  }

  async function cleanUpLate(user: AuthenticatedUser, late: Promise<CreatedUser>): Promise<void> {
    const created = await late.catch(() => undefined);
    if (created) await orphanCleanup.cleanUp(user, created.communicationUserId, { mayBeMapped: false });
  }

  /** The identity that is mapped in the end: this one, or the one of a faster instance. */
  async function addOrUseExisting(
    user: AuthenticatedUser,
    communicationUserId: string,
    deadline: Deadline,
  ): Promise<string> {
    const beforeRepeat = async () => {
      const issued = await acs.issueToken(communicationUserId, deadline);
      if (typeof issued === 'string') throw new DeletedMeanwhileError();
    };
    for (;;) {
      const { outcome, mapping } = await store.add(user, communicationUserId, { deadline, beforeRepeat });
      if (outcome === 'added') return communicationUserId;
      if (mapping.untrusted) throw mapping.untrusted;
      if (!mapping.pendingDeletion) return mapping.communicationUserId;
      if (!(await deleteMapped(user, mapping, deadline)))
        await pause(timings.mappings.conflictPauseInMs, deadline.signal);
      // An earlier attempt may have been applied: then the deleted identity, now or before, was this one.
      await beforeRepeat();
    }
  }

  const lifecycle: IdentityLifecycle = {
    async find(user, lastKnown, deadline) {
      const mapping = await store.find(user, { deadline, intent: 'look', lastKnown });
      if (mapping?.untrusted) throw mapping.untrusted;
      return mapping?.pendingDeletion ? undefined : mapping?.communicationUserId;
    },

    async findOrCreate(user, { withToken, deadline, beforeCreation }) {
      const communicationUserId = await usableIdentity(user, { deadline, intent: 'use' });
      if (communicationUserId !== undefined) return { communicationUserId, created: false };
      beforeCreation?.();
      return createAndMap(user, { withToken, deadline });
    },

    async replace(user, unusable, reason, deadline) {
      const isForeign = ownership.belongsToAnotherResource(unusable);
      const gone = isForeign ? undefined : unusable;
      const mapping = await settledMapping(user, { deadline, intent: 'use', gone });
      if (mapping?.untrusted) throw mapping.untrusted;
      if (!mapping) return createAndMap(user, { withToken: true, deadline });
      if (mapping.communicationUserId !== unusable)
        return { communicationUserId: mapping.communicationUserId, created: false };
      const hasUnknownResource = reason === 'not_owned' && !ownership.namesResource(unusable);
      if (isForeign || hasUnknownResource) throw wrongResource();
      // The first identity that we create shows which resource is ours: until then the old mapping must stay.
      if (!ownership.isKnown()) return createAndMap(user, { withToken: true, deadline, replacing: mapping });
      const removed = await store.remove(user, mapping, deadline);
      return removed === 'conflict'
        ? lifecycle.findOrCreate(user, { withToken: true, deadline })
        : createAndMap(user, { withToken: true, deadline });
    },

    async delete(user, lastKnown, deadline) {
      const mapping = await settledMapping(user, { deadline, intent: 'delete', lastKnown });
      if (!mapping) return;
      if (mapping.untrusted) {
        // It may name another user's identity, which must not be deleted.
        log.warn({ user: user.subject }, 'removing a mapping that this server did not write');
        await store.remove(user, mapping, deadline);
        return;
      }
      if (ownership.belongsToAnotherResource(mapping.communicationUserId)) throw wrongResource();
      if (await deleteMapped(user, mapping, deadline)) return;
      // Another instance is deleting it too: make sure that one of us completes it.
      const left = await settledMapping(user, { deadline, intent: 'delete' });
      // The other one has withdrawn its deletion.
      if (left?.communicationUserId === mapping.communicationUserId)
        await lifecycle.delete(user, undefined, deadline);
    },
  };
  return lifecycle;
}
