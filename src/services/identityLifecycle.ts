import type { Logger } from 'pino';
import type { AuthenticatedUser } from '../auth/authenticatedUser';
import { type Deadline, pause, startDeadline } from '../concurrency/deadline';
import { ApiError } from '../errors';
import { UpstreamError } from '../upstream/upstreamError';
import {
  type AcsIdentityService,
  type CommunicationToken,
  isOfOtherResource,
  resourceOf,
  type UnusableIdentity,
} from './acsIdentityService';
import type { GraphService, IdentityMapping } from './graphService';

export interface UserIdentity {
  readonly communicationUserId: string;
  readonly created: boolean;
  /** Comes with an identity that was created together with its first token. */
  readonly token?: CommunicationToken;
}

/**
 * The life of a user's one identity across the two services that know of it: the directory keeps the mapping, the
 * Communication Services resource the identity. Within this process no two works of one user may run at once (the caller
 * sees to that); between processes these steps decide:
 *
 * - Creating: the identity first, then the mapping. Graph refuses a second mapping, so that of several creators one wins
 *   and the others delete what they created.
 * - Deleting: the mapping is marked, the identity deleted, the mapping removed last. Whoever meets a marked mapping waits a
 *   moment for its deleter and then finishes the work; nobody uses the identity any more.
 * - An identity that is gone is replaced by removing its mapping and creating anew, so that again Graph decides.
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
  /** Can be repeated until it is done. */
  delete(user: AuthenticatedUser, deadline: Deadline): Promise<void>;
  /** Resolves when no left-over identity waits to be deleted any more. */
  settled(): Promise<void>;
}

export interface IdentityLifecycleOptions {
  graph: GraphService;
  acs: AcsIdentityService;
  adoptUnsigned: boolean;
  log: Logger;
}

const mostRepeats = 2;
/** How long a deletion under way elsewhere is given before we finish it: reads of the mapping, and the pause between them. */
const deletionGrace = { reads: 4, pauseInMs: 250 };
/** Graph may answer reads from a replica that has not heard of a write yet. */
const replicaLag = { reads: 4, pauseInMs: 200 };
/** Deleting a left-over identity goes on behind the answer, with these pauses between the tries. */
const discardPausesInMs = [0, 1_000, 5_000, 15_000, 60_000];
const discardTryTimeLimitInMs = 8_000;
/** The answer waits this long for a left-over identity to be deleted. */
const discardWaitInMs = 1_200;

export function createIdentityLifecycle({
  graph,
  acs,
  adoptUnsigned,
  log,
}: IdentityLifecycleOptions): IdentityLifecycle {
  const discards = new Set<Promise<void>>();
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

  /** The user's identity as mapped; a deletion that has begun is done first, and an unsigned mapping sealed. */
  async function usableIdentity(user: AuthenticatedUser, deadline: Deadline): Promise<string | undefined> {
    for (let read = 1; ; read += 1) {
      const mapping = await graph.findMapping(user, deadline);
      if (!mapping) return undefined;
      const communicationUserId = trustedId(mapping);
      if (mapping.trust === 'unsigned') {
        await graph.updateMapping(user, { communicationUserId, deleting: false }, deadline);
        return communicationUserId;
      }
      if (mapping.trust === 'sealed' && !mapping.deleting) return communicationUserId;
      if (read < deletionGrace.reads) await pause(deletionGrace.pauseInMs, deadline.signal);
      else await finishDeletion(user, communicationUserId, deadline);
    }
  }

  async function finishDeletion(
    user: AuthenticatedUser,
    communicationUserId: string,
    deadline: Deadline,
  ): Promise<void> {
    const outcome = await acs.deleteUser(communicationUserId, deadline);
    if (outcome === 'not_owned' && !isSurelyOurs(communicationUserId)) throw ofOtherResource();
    await removeMappingTo(user, communicationUserId, deadline);
  }

  /** Looks again first: by now the user may have another identity, whose mapping must stay. */
  async function removeMappingTo(
    user: AuthenticatedUser,
    communicationUserId: string,
    deadline: Deadline,
  ): Promise<void> {
    const mapping = await graph.findMapping(user, deadline);
    if (mapping && mapping.trust !== 'broken' && mapping.communicationUserId === communicationUserId) {
      await graph.removeMapping(user, deadline);
    }
  }

  function isSurelyOurs(communicationUserId: string): boolean {
    return ownIdentity !== undefined && resourceOf(communicationUserId) === resourceOf(ownIdentity);
  }

  function isSurelyForeign(communicationUserId: string): boolean {
    return ownIdentity !== undefined && isOfOtherResource(communicationUserId, ownIdentity);
  }

  /** @param replacing an identity whose mapping has to go first */
  async function createAndMap(
    user: AuthenticatedUser,
    withToken: boolean,
    deadline: Deadline,
    replacing?: string,
  ): Promise<UserIdentity> {
    const created = withToken ? await acs.createUserWithToken(deadline) : await acs.createUser(deadline);
    const { communicationUserId } = created;
    ownIdentity = communicationUserId;
    try {
      if (replacing !== undefined) {
        if (isSurelyForeign(replacing)) throw ofOtherResource();
        await removeMappingTo(user, replacing, deadline);
      }
      const standing = await mapOrYield(user, communicationUserId, deadline);
      if (standing === communicationUserId) return { ...created, created: true };
      await discard(user, communicationUserId, false);
      return { communicationUserId: standing, created: false };
    } catch (error) {
      await discard(user, communicationUserId, !(error instanceof UpstreamError && error.surelyNotDone));
      throw error;
    }
  }

  /** Adds the mapping; the id that is mapped in the end: this one, or that of a creator who was quicker. */
  async function mapOrYield(
    user: AuthenticatedUser,
    communicationUserId: string,
    deadline: Deadline,
  ): Promise<string> {
    for (let repeat = 0; ; repeat += 1) {
      let failure: UpstreamError | undefined;
      try {
        if (await graph.addMapping(user, communicationUserId, deadline)) return communicationUserId;
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        failure = error;
      }
      const waitInMs = (failure?.facts.retryAfterInSeconds ?? 0.1 * (repeat + 1)) * 1_000;
      if (waitInMs + 250 > deadline.remainingInMs()) throw failure ?? contradictsItself();
      if (failure?.transient) await pause(waitInMs * (1 + 0.2 * Math.random()), deadline.signal);
      // Either there is a mapping, or a failure that may hide one: a lost reply, or a refusal in words we do not know.
      const standing = await standingIdentity(user, deadline, failure ? 1 : replicaLag.reads);
      if (standing !== undefined) return standing;
      if (repeat === mostRepeats || (failure && !failure.transient)) throw failure ?? contradictsItself();
    }
  }

  async function standingIdentity(
    user: AuthenticatedUser,
    deadline: Deadline,
    reads: number,
  ): Promise<string | undefined> {
    for (let read = 1; ; read += 1) {
      const standing = await usableIdentity(user, deadline);
      if (standing !== undefined || read >= reads) return standing;
      await pause(replicaLag.pauseInMs * read, deadline.signal);
    }
  }

  /**
   * Deletes an identity that we created and could not map, whatever becomes of the request: no orphan is left behind. A
   * mapping that was written although its reply was lost is valid, and its identity is kept.
   */
  async function discard(
    user: AuthenticatedUser,
    communicationUserId: string,
    mayBeMapped: boolean,
  ): Promise<void> {
    const work = discardUntilDone(user, communicationUserId, mayBeMapped);
    discards.add(work);
    void work.finally(() => discards.delete(work));
    const enough = new AbortController();
    await Promise.race([work, pause(discardWaitInMs, enough.signal).catch(() => undefined)]);
    enough.abort();
  }

  async function discardUntilDone(
    user: AuthenticatedUser,
    communicationUserId: string,
    mayBeMapped: boolean,
  ): Promise<void> {
    for (const pauseInMs of discardPausesInMs) {
      try {
        await pause(pauseInMs, AbortSignal.timeout(pauseInMs + 1_000));
        const deadline = startDeadline(discardTryTimeLimitInMs);
        if (mayBeMapped && (await isMappedTo(user, communicationUserId))) return;
        await acs.deleteUser(communicationUserId, deadline);
        return;
      } catch (error) {
        log.warn({ err: error, communicationUserId }, 'cannot delete a left-over communication user yet');
      }
    }
    log.error(
      { communicationUserId },
      'a left-over communication user could not be deleted: delete it by hand',
    );
  }

  /** False also if Graph does not tell: a mapping to a deleted identity mends itself, an orphan does not. */
  async function isMappedTo(user: AuthenticatedUser, communicationUserId: string): Promise<boolean> {
    try {
      const mapping = await graph.findMapping(user, startDeadline(discardTryTimeLimitInMs / 2));
      return (
        mapping?.trust === 'sealed' &&
        !mapping.deleting &&
        mapping.communicationUserId === communicationUserId
      );
    } catch {
      return false;
    }
  }

  return {
    async find(user, deadline) {
      const mapping = await graph.findMapping(user, deadline);
      if (!mapping) return undefined;
      const communicationUserId = trustedId(mapping);
      return mapping.trust === 'sealed' && mapping.deleting ? undefined : communicationUserId;
    },

    async findOrCreate(user, withToken, deadline) {
      const communicationUserId = await usableIdentity(user, deadline);
      if (communicationUserId === undefined) return createAndMap(user, withToken, deadline);
      return { communicationUserId, created: false };
    },

    async replace(user, unusable, reason, deadline) {
      const standing = await usableIdentity(user, deadline);
      if (standing === undefined) return createAndMap(user, true, deadline);
      if (standing !== unusable) return { communicationUserId: standing, created: false };
      if (isSurelyForeign(unusable)) throw ofOtherResource();
      if (reason === 'not_owned' && resourceOf(unusable) === undefined) throw ofOtherResource();
      return createAndMap(user, true, deadline, unusable);
    },

    async delete(user, deadline) {
      const mapping = await graph.findMapping(user, deadline);
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
      const { communicationUserId, deleting } = mapping;
      if (isSurelyForeign(communicationUserId)) throw ofOtherResource();
      if (!deleting && !(await graph.updateMapping(user, { communicationUserId, deleting: true }, deadline)))
        return;
      try {
        await finishDeletion(user, communicationUserId, deadline);
      } catch (error) {
        const refused = error instanceof ApiError && error.code === 'mapping_of_other_resource';
        if (refused) await graph.updateMapping(user, { communicationUserId, deleting: false }, deadline);
        throw error;
      }
    },

    async settled() {
      await Promise.all(discards);
    },
  };
}

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
    broken: 'nonsense',
    message: 'says that there is a mapping, and shows none',
  });
}
