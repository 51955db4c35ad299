import type {
  AcsIdentityClient,
  CommunicationToken,
  CreatedUser,
  OnLateCreation,
} from '../../src/acs/acsIdentityClient';
import type { CustomIdClient } from '../../src/acs/customIdClient';
import type { Deadline } from '../../src/resilience/deadline';
import type { CallOptions, Upstream } from '../../src/resilience/upstream';
import type { Scheduler } from '../scheduler';
import { describe } from './describe';

interface Identity {
  existing: boolean;
  readonly createdBy: number;
  /** Its creator never received its id, so that no one can delete it. */
  mayBeOrphaned: boolean;
}

/** The identities of one resource. */
export interface AcsService {
  client(upstream: Upstream): AcsIdentityClient;
  customIdClient(upstream: Upstream): CustomIdClient;
  /** The identity that each custom id names now. */
  idsWithCustomId(): string[];
  exists(communicationUserId: string): boolean;
  existing(): string[];
  /** Identities whose creator never received their id, or crashed before it mapped or deleted them. */
  isExpectedOrphan(communicationUserId: string): boolean;
  /** Called after a crash: the identities that this instance created and did not map may be orphans. */
  expectOrphansOf(createdBy: number, isMapped: (communicationUserId: string) => boolean): void;
}

const resource = '11111111-1111-4111-8111-111111111111';
const day = 86_400_000;

export const tokenOf = (communicationUserId: string) => `token of ${communicationUserId}`;

export function createAcsService(scheduler: Scheduler): AcsService {
  const identities = new Map<string, Identity>();
  const byCustomId = new Map<string, string>();
  /** Those that have issued a token. */
  const used = new Set<string>();
  const exists = (id: string) => identities.get(id)?.existing === true;
  const token = (id: string): CommunicationToken => ({
    token: tokenOf(id),
    expiresOn: new Date(Date.now() + day),
  });
  const nextId = () => `8:acs:${resource}_${identities.size + 1}`;
  /** Not documented: for a repeated deletion, ACS may report success, or that there is no such identity. */
  const deletedAgain = scheduler.choices.chance(50) ? 'gone' : 'deleted';

  function create(upstream: Upstream, deadline: Deadline, withToken: boolean, onLateResult: OnLateCreation) {
    const createdBy = scheduler.time.owner;
    return upstream.call<CreatedUser>(
      'create user',
      { deadline, retryOn: 'not_applied', describe, onLateResult },
      (signal) => {
        const identity: Identity = { existing: true, createdBy, mayBeOrphaned: false };
        return scheduler.call(
          'create user',
          () => {
            const communicationUserId = nextId();
            identities.set(communicationUserId, identity);
            return { communicationUserId, token: withToken ? token(communicationUserId) : undefined };
          },
          { signal, onReplyLost: () => (identity.mayBeOrphaned = true) },
        );
      },
    );
  }

  /** After a deletion the custom id names a new identity. */
  function findOrCreate(customId: string, withToken: boolean, createdBy: number) {
    const known = byCustomId.get(customId);
    const id = known !== undefined && exists(known) ? known : nextId();
    if (id !== known) identities.set(id, { existing: true, createdBy, mayBeOrphaned: false });
    byCustomId.set(customId, id);
    const issuedBefore = used.has(id);
    if (withToken) used.add(id);
    return { communicationUserId: id, issuedBefore, token: withToken ? token(id) : undefined };
  }

  return {
    exists,
    idsWithCustomId: () => [...byCustomId.values()].filter(exists),
    customIdClient: (upstream) => ({
      findOrCreate(customId, { withToken, deadline }) {
        const { owner } = scheduler.time;
        const name = withToken ? 'find or create user with token' : 'find or create user';
        return upstream.call(name, { deadline, retryOn: 'any_failure', describe }, (signal) =>
          scheduler.call(name, () => findOrCreate(customId, withToken, owner), { signal }),
        );
      },
    }),
    existing: () => [...identities].filter(([, { existing }]) => existing).map(([id]) => id),
    isExpectedOrphan: (id) => identities.get(id)?.mayBeOrphaned === true,
    expectOrphansOf(createdBy, isMapped) {
      for (const [id, identity] of identities) {
        if (identity.createdBy === createdBy && !isMapped(id)) identity.mayBeOrphaned = true;
      }
    },
    client(upstream) {
      const call = <T>(operation: string, deadline: Deadline, work: () => T) => {
        const options: CallOptions<T> = { deadline, retryOn: 'any_failure', describe };
        return upstream.call<T>(operation, options, (signal) => scheduler.call(operation, work, { signal }));
      };
      const issue = (id: string, deadline: Deadline) =>
        call(`issue token ${number(id)}`, deadline, () => {
          used.add(id);
          return exists(id) ? token(id) : 'gone';
        });
      return {
        createUser: (deadline, onLate) => create(upstream, deadline, false, onLate),
        createUserWithToken: (deadline, onLate) => create(upstream, deadline, true, onLate),
        async issueToken(id, deadline) {
          const issued = await issue(id, deadline);
          return issued === 'gone' ? issue(id, deadline) : issued;
        },
        deleteUser: (id, deadline) =>
          call(`delete user ${number(id)}`, deadline, () => {
            const identity = identities.get(id);
            if (!identity?.existing) return deletedAgain;
            identity.existing = false;
            return 'deleted';
          }),
        exchangeTeamsToken: () => Promise.reject(new Error('not simulated')),
      };
    },
  };
}

/** The part of an id that a reader of a schedule needs. */
function number(communicationUserId: string): string {
  return communicationUserId.slice(communicationUserId.lastIndexOf('_') + 1);
}
