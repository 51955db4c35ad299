import type { Logger } from 'pino';
import type { AuthenticatedUser } from '../auth/authenticatedUser';
import { pause, withDeadline, withinTime } from '../concurrency/deadline';
import type { AcsIdentityService } from './acsIdentityService';
import type { GraphService } from './graphService';

/** Identities that were created and could not be mapped. */
export interface LeftOvers {
  /**
   * Deletes one, whatever becomes of the request: no orphan is left behind. `mayBeMapped`: the mapping may have been
   * written although its reply was lost; then it is valid, and its identity is kept. Resolves when it is done or has taken
   * longer than an answer should wait for; it goes on behind the answer.
   */
  discard(user: AuthenticatedUser, communicationUserId: string, mayBeMapped: boolean): Promise<void>;
  /** Resolves when none waits to be deleted any more. */
  settled(): Promise<void>;
}

export interface LeftOversOptions {
  graph: GraphService;
  acs: AcsIdentityService;
  log: Logger;
}

/** Pauses before the tries. */
const pausesInMs = [0, 1_000, 5_000, 15_000, 60_000];
const tryTimeLimitInMs = 8_000;
const answerWaitsInMs = 1_200;

export function createLeftOvers({ graph, acs, log }: LeftOversOptions): LeftOvers {
  const underWay = new Set<Promise<void>>();

  async function discardUntilDone(
    user: AuthenticatedUser,
    communicationUserId: string,
    mayBeMapped: boolean,
  ): Promise<void> {
    for (const pauseInMs of pausesInMs) {
      try {
        await pause(pauseInMs);
        if (mayBeMapped && (await isMappedTo(user, communicationUserId))) return;
        await withDeadline(tryTimeLimitInMs, undefined, (deadline) =>
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
      const mapping = await withDeadline(tryTimeLimitInMs / 2, undefined, (deadline) =>
        graph.findMapping(user, deadline),
      );
      return mapping?.trust === 'sealed' && mapping.communicationUserId === communicationUserId;
    } catch {
      return false;
    }
  }

  return {
    async discard(user, communicationUserId, mayBeMapped) {
      const work = discardUntilDone(user, communicationUserId, mayBeMapped);
      underWay.add(work);
      void work.finally(() => underWay.delete(work));
      await withinTime(work, answerWaitsInMs);
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}
