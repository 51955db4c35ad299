import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import { type Deadline, pause, withDeadline } from '../resilience/deadline';
import { ApiError } from '../errors';
import { UpstreamError } from '../resilience/upstreamError';
import {
  type AcsIdentityClient,
  type CommunicationToken,
  type CreatedUser,
  isOfOtherResource,
  parseResourceId,
  type UnusableIdentity,
} from '../acs/acsIdentityClient';
import type { GraphService, IdentityMapping } from '../graph/graphService';
import type { OrphanCleanup } from './orphanCleanup';
import type { SealedContent } from './stores/graph/mappingSeal';

export interface UserIdentity {
  readonly communicationUserId: string;
  readonly created: boolean;
  /** Comes with an identity that was created together with its first token. */
  readonly token?: CommunicationToken | undefined;
}

/**
 * The life of a user's one identity across the two services that know of it: the directory keeps the mapping, the
 * Communication Services resource the identity. Within this process no two works of one user may run at once (the caller
 * sees to that); between processes these steps decide:
 *
 * - Creating: the identity first, then the mapping. Graph refuses a second mapping, so that of several creators one wins
 *   and the others delete what they created.
 * - Deleting: the deletion is claimed in the mapping, the identity deleted, the mapping removed last. Whoever meets a claim
 *   waits a moment for the claimant and then finishes the work; nobody uses the identity any more.
 * - An identity that is gone is deleted all the same and then created anew, so that again Graph decides.
 */
export interface IdentityLifecycle {
  /** Undefined if the user has no identity, or one that is being deleted. */
  find(user: AuthenticatedUser, deadline: Deadline): Promise<string | undefined>;
  findOrCreate(user: AuthenticatedUser, withToken: boolean, deadline: Deadline): Promise<UserIdentity>;
  /** After the resource said that it has no such identity: the user's identity now, which may be a new one. */
  replace(
    user: AuthenticatedUser,
    unusable: string,
    reason: UnusableIdentity,
    deadline: Deadline,
  ): Promise<UserIdentity>;
  /** Can be repeated until it is done. `known`: the identity that the user is remembered to have. */
  delete(user: AuthenticatedUser, known: string | undefined, deadline: Deadline): Promise<void>;
}

export interface IdentityLifecycleOptions {
  graph: GraphService;
  acs: AcsIdentityClient;
  orphanCleanup: OrphanCleanup;
  adoptUnsigned: boolean;
  log: Logger;
}

const maxRetries = 2;
/** How long a deletion under way elsewhere is given before we finish it: reads of the mapping, and the pause between them. */
const deletionGrace = { reads: 4, pauseInMs: 250 };
/** Graph may answer reads from a replica that has not heard of a write yet. */
const replicaLag = { reads: 4, pauseInMs: 200 };

export function createIdentityLifecycle({
  graph,
  acs,
  orphanCleanup: orphanCleanup,
  adoptUnsigned,
  log,
}: IdentityLifecycleOptions): IdentityLifecycle {
  /** How claims of this process begin. */
  const ownClaims = `${randomUUID()}/`;
  /** Identities that we retired a moment ago: they never come back, whatever a lagging replica shows. */
  const retired = new LRUCache<string, true>({ max: 10_000, ttl: 60_000 });
  /** The last identity that we created: it tells which resource is ours. */
  let ownIdentity: string | undefined;

  /** The id in a mapping that may be used, or throws the 409 that says why it may not. */
  function trustedId(mapping: IdentityMapping): string {
    if (mapping.trust === 'sealed') return mapping.communicationUserId;
    if (mapping.trust === 'unsigned' && adoptUnsigned) return mapping.communicationUserId;
    throw new ApiError(
      'mapping_not_trusted',
      'Your identity mapping in Microsoft Entra ID was not written by this server, so it is not used. ' +
        'Delete it with DELETE /api/user (which leaves alone the identity that it names), then ask for a token again.',
      { innererror: { code: mapping.trust === 'unsigned' ? 'seal_missing' : 'seal_broken' } },
    );
  }

  /** The user's mapping; one whose identity we have retired is but an old view of a lagging replica. */
  function currentMapping(user: AuthenticatedUser, deadline: Deadline): Promise<IdentityMapping | undefined> {
    // If it stays, the user, or an app of theirs, has put it back.
    return readUntil(
      (mapping) => !mapping || mapping.trust === 'broken' || !retired.has(mapping.communicationUserId),
      () => graph.findMapping(user, deadline),
      deadline,
    );
  }

  /** The user's mapping once nobody deletes it any more: others are given time to finish, then we do it for them. */
  async function settledMapping(
    user: AuthenticatedUser,
    deadline: Deadline,
  ): Promise<IdentityMapping | undefined> {
    for (let read = 1; ; read += 1) {
      const mapping = await currentMapping(user, deadline);
      if (mapping?.trust !== 'sealed' || mapping.deletion === undefined) return mapping;
      // A claim of our own is a deletion that failed before: nobody is at work on it.
      const cancellation = mapping.deletion.startsWith(ownClaims) || read % deletionGrace.reads === 0;
      if (cancellation && (await retire(user, mapping, deadline))) return undefined;
      await pause(deletionGrace.pauseInMs, deadline.signal);
    }
  }

  /** The user's identity as mapped, a mapping without a seal being sealed. */
  async function usableIdentity(user: AuthenticatedUser, deadline: Deadline): Promise<string | undefined> {
    const mapping = await settledMapping(user, deadline);
    if (!mapping) return undefined;
    const communicationUserId = trustedId(mapping);
    if (mapping.trust === 'unsigned') await graph.updateMapping(user, { communicationUserId }, deadline);
    return communicationUserId;
  }

  /**
   * Claims the deletion in the mapping, deletes the identity, and removes the mapping unless another has claimed it
   * since: of several deleters only the last to claim removes it, so that none removes the mapping of a new identity (Graph
   * has no conditional write, so that a window of one call remains). True once there is no mapping any more, whatever a
   * lagging replica of the directory may still show; false if another has to finish.
   *
   * @param isGone the resource says that there is no such identity: nothing is left to delete but the mapping
   */
  async function retire(
    user: AuthenticatedUser,
    mapping: SealedContent,
    deadline: Deadline,
    isGone = false,
  ): Promise<boolean> {
    const { communicationUserId } = mapping;
    const deletion = `${ownClaims}${randomUUID()}`;
    if (!(await graph.updateMapping(user, { communicationUserId, deletion }, deadline))) return true;
    if (
      !isGone &&
      (await acs.deleteUser(communicationUserId, deadline)) === 'not_owned' &&
      !isSurelyOurs(communicationUserId)
    ) {
      await graph.updateMapping(user, { communicationUserId }, deadline);
      throw ofOtherResource();
    }
    // We have just written it, so that a view without any mapping is most likely an old one.
    const standing = await readUntil(isThere, () => graph.findMapping(user, deadline), deadline);
    if (standing && standing.trust !== 'broken' && standing.communicationUserId === communicationUserId) {
      // What stood there before our claim is but an old view of it.
      const claimedSince = standing.deletion !== deletion && standing.deletion !== mapping.deletion;
      if (claimedSince) return false;
      await graph.removeMapping(user, deadline);
    }
    retired.set(communicationUserId, true);
    return true;
  }

  function isSurelyOurs(communicationUserId: string): boolean {
    return ownIdentity !== undefined && parseResourceId(communicationUserId) === parseResourceId(ownIdentity);
  }

  function isSurelyForeign(communicationUserId: string): boolean {
    return ownIdentity !== undefined && isOfOtherResource(communicationUserId, ownIdentity);
  }

  /**
   * What is mapped where `unusable` was; the same if that stays. Another instance may have deleted and replaced it while Graph
   * still shows us the old mapping: to write over the new one would leave its identity behind.
   */
  function successorOf(
    user: AuthenticatedUser,
    unusable: string,
    deadline: Deadline,
  ): Promise<string | undefined> {
    const read = () => usableIdentity(user, deadline);
    return isSurelyForeign(unusable)
      ? read()
      : readUntil((standing) => standing !== unusable, read, deadline);
  }

  /** From here to the mapping there is no stopping halfway, also if the caller has gone meanwhile. */
  function createAndMap(
    user: AuthenticatedUser,
    withToken: boolean,
    requested: Deadline,
    replacing?: string,
  ): Promise<UserIdentity> {
    return withDeadline(requested.remainingInMs(), undefined, (deadline) =>
      createAndMapUntil(deadline, user, withToken, replacing),
    );
  }

  /** @param replacing an identity whose mapping has to go first */
  async function createAndMapUntil(
    deadline: Deadline,
    user: AuthenticatedUser,
    withToken: boolean,
    replacing?: string,
  ): Promise<UserIdentity> {
    const onLateResult = (late: CreatedUser) =>
      void orphanCleanup.cleanUp(user, late.communicationUserId, false);
    const created = await (withToken
      ? acs.createUserWithToken(deadline, onLateResult)
      : acs.createUser(deadline, onLateResult));
    const { communicationUserId } = created;
    if (parseResourceId(communicationUserId) !== undefined) ownIdentity = communicationUserId;
    try {
      if (replacing !== undefined) {
        if (isSurelyForeign(replacing)) throw ofOtherResource();
        await retire(user, { communicationUserId: replacing }, deadline, true);
      }
      const standing = await mapOrYield(user, communicationUserId, deadline);
      if (standing === communicationUserId) return { ...created, created: true };
      await orphanCleanup.cleanUp(user, communicationUserId, false);
      return { communicationUserId: standing, created: false };
    } catch (error) {
      await orphanCleanup.cleanUp(
        user,
        communicationUserId,
        !(error instanceof UpstreamError && error.definitelyNotApplied),
      );
      throw error;
    }
  }

  /** Adds the mapping; the id that is mapped in the end: this one, or that of a creator who was quicker. */
  async function mapOrYield(
    user: AuthenticatedUser,
    communicationUserId: string,
    deadline: Deadline,
  ): Promise<string> {
    for (let retryCount = 0; ; retryCount += 1) {
      let failure: UpstreamError | undefined;
      try {
        if (await graph.addMapping(user, communicationUserId, deadline)) return communicationUserId;
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        failure = error;
      }
      const waitInMs = (failure?.facts.retryAfterInSeconds ?? 0.1 * (retryCount + 1)) * 1_000;
      if (waitInMs + 250 > deadline.remainingInMs()) throw failure ?? contradictsItself();
      if (failure?.transient) await pause(waitInMs * (1 + 0.2 * Math.random()), deadline.signal);
      // Either there is a mapping, or a failure that may hide one: a lost reply, or a refusal in words we do not know.
      const read = () => usableIdentity(user, deadline);
      const standing = await (failure ? read() : readUntil(isThere, read, deadline));
      if (standing !== undefined) return standing;
      if (retryCount === maxRetries || (failure && !failure.transient)) throw failure ?? contradictsItself();
    }
  }

  return {
    async find(user, deadline) {
      const mapping = await currentMapping(user, deadline);
      if (!mapping) return undefined;
      const communicationUserId = trustedId(mapping);
      return mapping.trust === 'sealed' && mapping.deletion !== undefined ? undefined : communicationUserId;
    },

    findOrCreate,

    async replace(user, unusable, reason, deadline) {
      const standing = await successorOf(user, unusable, deadline);
      if (standing !== undefined && standing !== unusable)
        return { communicationUserId: standing, created: false };
      if (standing === undefined) return createAndMap(user, true, deadline);
      if (isSurelyForeign(unusable)) throw ofOtherResource();
      if (reason === 'not_owned' && parseResourceId(unusable) === undefined) throw ofOtherResource();
      // Which resource is ours shows only in an identity that we created.
      if (ownIdentity === undefined) return createAndMap(user, true, deadline, unusable);
      const retired = await retire(user, { communicationUserId: unusable }, deadline, true);
      return retired ? createAndMap(user, true, deadline) : findOrCreate(user, true, deadline);
    },

    async delete(user, known, deadline) {
      const read = () => settledMapping(user, deadline);
      // One that is remembered was there a moment ago.
      const mapping = await (known === undefined ? read() : readUntil(isThere, read, deadline));
      if (!mapping) return;
      if (mapping.trust === 'broken' || (mapping.trust === 'unsigned' && !adoptUnsigned)) {
        // Whoever wrote it may have named somebody else's identity: that one is left alone.
        log.warn(
          { user: user.objectId, trust: mapping.trust },
          'removing a mapping that this server did not write',
        );
        await graph.removeMapping(user, deadline);
        return;
      }
      if (isSurelyForeign(mapping.communicationUserId)) throw ofOtherResource();
      // Who claims it after us deletes the same identity: we only wait until that is done.
      if (!(await retire(user, mapping, deadline))) await settledMapping(user, deadline);
    },
  };

  async function findOrCreate(
    user: AuthenticatedUser,
    withToken: boolean,
    deadline: Deadline,
  ): Promise<UserIdentity> {
    const communicationUserId = await usableIdentity(user, deadline);
    if (communicationUserId === undefined) return createAndMap(user, withToken, deadline);
    return { communicationUserId, created: false };
  }
}

/** Reads again for a while what is not as it must be, going by what we know: a view of a lagging replica passes, the truth stays. */
async function readUntil<T>(
  isPlausible: (found: T) => boolean,
  read: () => Promise<T>,
  deadline: Deadline,
): Promise<T> {
  for (let reads = 1; ; reads += 1) {
    const found = await read();
    if (isPlausible(found) || reads === replicaLag.reads) return found;
    await pause(replicaLag.pauseInMs * reads, deadline.signal);
  }
}

const isThere = (found: unknown) => found !== undefined;

function ofOtherResource(): ApiError {
  return new ApiError(
    'mapping_of_other_resource',
    'Your identity belongs to another Communication Services resource than the one this server uses. ' +
      'Most likely COMMUNICATION_SERVICES_CONNECTION_STRING names the wrong resource: whoever runs this server must set it right. ' +
      'If the resource was changed on purpose, remove the old mapping with Microsoft Graph (DELETE /me/extensions/<GRAPH_EXTENSION_NAME>).',
  );
}

function contradictsItself(): UpstreamError {
  return new UpstreamError('Microsoft Graph', 'create mapping', {
    transportFailure: 'invalid_response',
    message: 'says that there is a mapping, and shows none',
  });
}
