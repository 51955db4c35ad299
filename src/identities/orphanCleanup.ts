import type { Logger } from 'pino';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import { pause, withDeadline, waitAtMost } from '../resilience/deadline';
import type { AcsIdentityClient } from '../acs/acsIdentityClient';
import type { GraphService } from '../graph/graphService';

/** Identities that were created and could not be mapped. */
export interface OrphanCleanup {
  /**
   * Deletes one, whatever becomes of the request: no orphan is left behind. `mayBeMapped`: the mapping may have been
   * written although its reply was lost; then it is valid, and its identity is kept. Resolves when it is done or has taken
   * longer than an answer should wait for; it goes on behind the answer.
   */
  cleanUp(user: AuthenticatedUser, communicationUserId: string, mayBeMapped: boolean): Promise<void>;
  /** Resolves when none waits to be deleted any more. */
  settled(): Promise<void>;
}

export interface OrphanCleanupOptions {
  graph: GraphService;
  acs: AcsIdentityClient;
  log: Logger;
}

/** Pauses before the tries. */
const retryDelaysInMs = [0, 1_000, 5_000, 15_000, 60_000];
const attemptTimeLimitInMs = 8_000;
const maxResponseDelayInMs = 1_200;

export function createOrphanCleanup({ graph, acs, log }: OrphanCleanupOptions): OrphanCleanup {
  const pending = new Set<Promise<void>>();

  async function deleteUntilDone(
    user: AuthenticatedUser,
    communicationUserId: string,
    mayBeMapped: boolean,
  ): Promise<void> {
    for (const pauseInMs of retryDelaysInMs) {
      try {
        await pause(pauseInMs);
        if (mayBeMapped && (await isMappedTo(user, communicationUserId))) return;
        await withDeadline(attemptTimeLimitInMs, undefined, (deadline) =>
          acs.deleteUser(communicationUserId, deadline),
        );
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
      const mapping = await withDeadline(attemptTimeLimitInMs / 2, undefined, (deadline) =>
        graph.findMapping(user, deadline),
      );
      return mapping?.trust === 'sealed' && mapping.communicationUserId === communicationUserId;
    } catch {
      return false;
    }
  }

  return {
    async cleanUp(user, communicationUserId, mayBeMapped) {
      const work = deleteUntilDone(user, communicationUserId, mayBeMapped);
      pending.add(work);
      void work.finally(() => pending.delete(work));
      await waitAtMost(work, maxResponseDelayInMs);
    },
    async settled() {
      await Promise.all(pending);
    },
  };
}
