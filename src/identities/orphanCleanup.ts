import type { Log } from '../log';
import type { AcsIdentityClient } from '../acs/acsIdentityClient';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import { pause, waitAtMost, withDeadline } from '../resilience/deadline';
import type { PendingWork } from '../resilience/pendingWork';
import type { Timings } from '../timings';
import type { Telemetry } from '../telemetry/telemetry';
import type { MappingStore } from './mappingStore';

/** Deletes identities that were created and could not be mapped. */
export interface OrphanCleanup {
  /**
   * Deletes an identity, whatever the outcome of the request. `mayBeMapped`: the mapping may have been written although its
   * response was lost; then it is valid, and the identity is kept. Resolves when it is done, or when a response should not wait
   * any longer; the work continues in the background.
   */
  cleanUp(
    user: AuthenticatedUser,
    communicationUserId: string,
    options: { mayBeMapped: boolean },
  ): Promise<void>;
}

export interface OrphanCleanupOptions {
  store: Pick<MappingStore, 'cancelAdd'>;
  acs: Pick<AcsIdentityClient, 'deleteUser'>;
  pendingWork: Pick<PendingWork, 'add'>;
  timings: Timings['orphanCleanup'];
  log: Log;
  telemetry?: Telemetry | undefined;
}

export function createOrphanCleanup({
  store,
  acs,
  pendingWork,
  timings,
  log,
  telemetry,
}: OrphanCleanupOptions): OrphanCleanup {
  async function deleteUntilDone(
    user: AuthenticatedUser,
    communicationUserId: string,
    mayBeMapped: boolean,
  ): Promise<void> {
    for (const [attempt, delayInMs] of timings.retryDelaysInMs.entries()) {
      try {
        await pause(delayInMs);
        const isLastAttempt = attempt === timings.retryDelaysInMs.length - 1;
        if (mayBeMapped && (await isMapped(user, communicationUserId, isLastAttempt))) return;
        await withDeadline(timings.attemptInMs, undefined, (deadline) =>
          acs.deleteUser(communicationUserId, deadline),
        );
        telemetry?.count('orphan_cleaned');
        return;
      } catch (error) {
        log.warn({ err: error, communicationUserId }, 'orphaned identity could not be deleted yet');
      }
    }
    telemetry?.count('orphan_lost');
    log.error({ communicationUserId }, 'orphaned identity could not be deleted; delete it manually');
  }

  /**
   * While the store does not respond, the identity is kept, because it may be in use. The last attempt deletes it anyway: a mapping of a
   * deleted identity is replaced on its next use, but an orphan would remain.
   */
  async function isMapped(
    user: AuthenticatedUser,
    communicationUserId: string,
    isLastAttempt: boolean,
  ): Promise<boolean> {
    try {
      const outcome = await withDeadline(timings.attemptInMs / 2, undefined, (deadline) =>
        store.cancelAdd(user, communicationUserId, deadline),
      );
      return outcome === 'added';
    } catch (error) {
      if (isLastAttempt) return false;
      throw error;
    }
  }

  return {
    async cleanUp(user, communicationUserId, { mayBeMapped }) {
      const work = pendingWork.add(deleteUntilDone(user, communicationUserId, mayBeMapped));
      await waitAtMost(work, timings.maxResponseDelayInMs);
    },
  };
}
