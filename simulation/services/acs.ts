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
  alive: boolean;
  readonly createdBy: number;
  /** Whether its creator never received its id: then no one can delete it. */
  unknowable: boolean;
}

/** The identities of one resource. */
export interface AcsService {
  client(upstream: Upstream): AcsIdentityClient;
  customIdClient(upstream: Upstream): CustomIdClient;
  /** The identity that each custom id names now. */
  idsWithCustomId(): string[];
  isAlive(communicationUserId: string): boolean;
  alive(): string[];
  /** Identities whose creator never received their id, or crashed before it mapped or deleted them. */
  isExcused(communicationUserId: string): boolean;
  /** Called after a crash: excuses the identities that this instance created and did not map. */
  excuseUnmapped(createdBy: number, isMapped: (communicationUserId: string) => boolean): void;
}

const resource = '11111111-1111-4111-8111-111111111111';
const day = 86_400_000;

export const tokenOf = (communicationUserId: string) => `token of ${communicationUserId}`;

export function createAcsService(scheduler: Scheduler): AcsService {
  const identities = new Map<string, Identity>();
  const byCustomId = new Map<string, string>();
  /** Those that have issued a token. */
  const used = new Set<string>();
  const isAlive = (id: string) => identities.get(id)?.alive === true;
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
        const identity: Identity = { alive: true, createdBy, unknowable: false };
        return scheduler.call(
          'create user',
          () => {
            const communicationUserId = nextId();
            identities.set(communicationUserId, identity);
            return { communicationUserId, token: withToken ? token(communicationUserId) : undefined };
          },
          { signal, onReplyLost: () => (identity.unknowable = true) },
        );
      },
    );
  }

  /** After a deletion the custom id names a new identity. */
  function findOrCreate(customId: string, withToken: boolean, createdBy: number) {
    const known = byCustomId.get(customId);
    const id = known !== undefined && isAlive(known) ? known : nextId();
    if (id !== known) identities.set(id, { alive: true, createdBy, unknowable: false });
    byCustomId.set(customId, id);
    const issuedBefore = used.has(id);
    if (withToken) used.add(id);
    return { communicationUserId: id, issuedBefore, token: withToken ? token(id) : undefined };
  }

  return {
    isAlive,
    idsWithCustomId: () => [...byCustomId.values()].filter(isAlive),
    customIdClient: (upstream) => ({
      findOrCreate(customId, { withToken, deadline }) {
        const { owner } = scheduler.time;
        const name = withToken ? 'find or create user with token' : 'find or create user';
        return upstream.call(name, { deadline, retryOn: 'any_failure', describe }, (signal) =>
          scheduler.call(name, () => findOrCreate(customId, withToken, owner), { signal }),
        );
      },
    }),
    alive: () => [...identities].filter(([, { alive }]) => alive).map(([id]) => id),
    isExcused: (id) => identities.get(id)?.unknowable === true,
    excuseUnmapped(createdBy, isMapped) {
      for (const [id, identity] of identities) {
        if (identity.createdBy === createdBy && !isMapped(id)) identity.unknowable = true;
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
          return isAlive(id) ? token(id) : 'gone';
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
            if (!identity?.alive) return deletedAgain;
            identity.alive = false;
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
