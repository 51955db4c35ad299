import type { AuthenticatedUser } from '../src/authentication/authenticatedUser';
import { createEntraUser } from '../src/authentication/entra/entraProvider';
import type { CommunicationUsers } from '../src/identities/communicationUsers';
import type { Choices } from './choices';
import { findViolation, type Operation, type OperationKind, type Violation } from './history';
import { createInstance, createSimulatedServices, type Services, type StoreKind } from './instance';
import { createScheduler, EndlessRunError, type Scheduler } from './scheduler';
import { tokenOf } from './services/acs';
import { withVirtualTime } from './virtualTime';

export interface SimulationOptions {
  readonly store: StoreKind;
  readonly instances: number;
}

export interface Run {
  readonly violation: Violation | undefined;
  /** What happened, in order. */
  readonly trace: readonly string[];
  readonly choices: readonly number[];
  /** Identities that no mapping names, because their creator never received their id, or crashed. */
  readonly orphans: number;
}

const maxOperations = 6;
const idleTimeInMs = 120_000;

/** One run: some requests of one or two users to all instances, with faults, crashes and delays that the choices determine. */
export function simulate({ store, instances }: SimulationOptions, choices: Choices): Promise<Run> {
  return withVirtualTime(
    () => 0.5,
    async (time) => {
      const scheduler = createScheduler(choices, time, {
        faults: choices.choose(4),
        crashes: choices.choose(3),
        slowness: choices.choose(4) * 4,
        staleReads: choices.choose(5),
      });
      const services = createSimulatedServices(store, scheduler);
      const cluster = createCluster(scheduler, services, instances);
      const finish = (violation: Violation | undefined, orphans = 0): Run => ({
        violation,
        orphans,
        trace: scheduler.trace,
        choices: choices.taken,
      });
      try {
        const users = Array.from({ length: choices.chance(30) ? 2 : 1 }, (_, index) => index);
        const count = 1 + choices.choose(maxOperations);
        for (let index = 0; index < count; index += 1) cluster.offerRandomOperation(users.length);
        await scheduler.run();
        await cluster.settle(users);
      } catch (error) {
        if (error instanceof EndlessRunError) return finish({ invariant: 'every request ends', details: '' });
        throw error;
      }
      const broken = findViolation(cluster.operations, tokenOf, store !== 'acs');
      if (broken) return finish(broken);
      return checkEnd(services, finish);
    },
  );
}

function checkEnd(
  { acs, mappedIds }: Services,
  finish: (violation: Violation | undefined, orphans: number) => Run,
): Run {
  const mapped = mappedIds();
  const orphans = acs.existing().filter((id) => !mapped.includes(id));
  const dangling = mapped.find((id) => !acs.exists(id));
  if (dangling) return finish({ invariant: 'a mapping names an identity that exists', details: dangling }, 0);
  const unexpected = orphans.find((id) => !acs.isExpectedOrphan(id));
  if (unexpected)
    return finish({ invariant: 'no identity is orphaned', details: unexpected }, orphans.length);
  return finish(undefined, orphans.length);
}

const randomKinds: readonly OperationKind[] = [
  'getToken',
  'DELETE user',
  'POST user',
  'getFreshToken',
  'GET user',
];

interface Slot {
  owner: number;
  instance: CommunicationUsers;
}

interface Cluster {
  readonly operations: readonly Operation[];
  offerRandomOperation(users: number): void;
  /** Without further faults, each instance serves each user, so that unfinished work is completed. */
  settle(users: readonly number[]): Promise<void>;
}

function createCluster(scheduler: Scheduler, services: Services, instances: number): Cluster {
  const { choices, time, budget } = scheduler;
  const operations: Operation[] = [];
  let owners = 0;
  const start = (): Slot => {
    time.owner = owners;
    return { owner: owners++, instance: createInstance(services) };
  };
  const slots = Array.from({ length: instances }, start);
  scheduler.onCrash((owner) => {
    const mapped = services.mappedIds();
    services.acs.expectOrphansOf(owner, (id) => mapped.includes(id));
    const index = slots.findIndex((slot) => slot.owner === owner);
    if (index >= 0) slots[index] = start();
  });

  function offer(kind: OperationKind, user: number, index: number, callerDisconnects = false): Operation[] {
    const begun: Operation[] = [];
    scheduler.offer(-1, `${kind} of user ${user} at instance ${index}`, () => {
      const slot = slots[index];
      if (!slot) return;
      time.owner = slot.owner;
      const caller = new AbortController();
      const operation: Operation = {
        user,
        kind,
        start: scheduler.now(),
        end: Infinity,
        outcome: 'unknown',
        id: undefined,
        created: false,
        token: undefined,
        existing: [],
      };
      operations.push(operation);
      begun.push(operation);
      if (callerDisconnects)
        scheduler.offer(slot.owner, 'the caller disconnects', () => caller.abort(new Error('disconnected')));
      void perform(slot.instance, kind, authenticated(user), caller.signal).then(
        (result) => {
          Object.assign(operation, result, {
            outcome: '2xx',
            end: scheduler.now(),
            existing: services.acs.existing(),
          });
          scheduler.note(`${kind} of user ${user} at instance ${index} succeeds: ${result.id ?? '-'}`);
        },
        (error: unknown) =>
          scheduler.note(`${kind} of user ${user} at instance ${index} fails: ${String(error)}`),
      );
    });
    return begun;
  }

  return {
    operations,
    offerRandomOperation(users) {
      const kind = randomKinds[choices.choose(randomKinds.length)] ?? 'getToken';
      offer(kind, choices.choose(users), choices.choose(instances), choices.chance(5));
    },
    async settle(users) {
      Object.assign(budget, { faults: 0, crashes: 0, slowness: 0, staleReads: 0 });
      const last = choices.chance(50) ? 'DELETE user' : 'getToken';
      for (const user of users) {
        for (let index = 0; index < instances; index += 1) {
          // Breakers close, replicas catch up, and nothing is left in the background.
          setTimeout(() => undefined, idleTimeInMs);
          await scheduler.run();
          // Before a request for a token replaces an identity that does not exist.
          if (index === 0) await runAlone(() => offer('GET user', user, choices.choose(instances)));
          const [operation] = await runAlone(() => offer(last, user, index));
          if (operation?.outcome !== '2xx')
            throw new Error(`a request without faults failed: ${scheduler.trace.at(-1) ?? ''}`);
        }
        await runAlone(() => offer('GET user', user, choices.choose(instances)));
      }
    },
  };

  async function runAlone(offerIt: () => Operation[]): Promise<Operation[]> {
    const begun = offerIt();
    await scheduler.run();
    return begun;
  }
}

async function perform(
  instance: CommunicationUsers,
  kind: OperationKind,
  user: AuthenticatedUser,
  caller: AbortSignal,
): Promise<Partial<Operation>> {
  switch (kind) {
    case 'getToken':
    case 'getFreshToken': {
      const reusable = kind === 'getToken' ? instance.findReusableToken(user) : undefined;
      const issued =
        reusable ?? (await instance.issueToken(user, { fresh: kind === 'getFreshToken' }, caller));
      return { id: issued.communicationUserId, token: issued.token };
    }
    case 'POST user': {
      const { communicationUserId: id, created } = await instance.findOrCreateUser(user, caller);
      return { id, created };
    }
    case 'GET user':
      return { id: await instance.findUser(user, caller) };
    case 'DELETE user':
      await instance.deleteUser(user, caller);
      return {};
  }
}

function authenticated(user: number): AuthenticatedUser {
  const objectId = `00000000-0000-4000-8000-00000000000${user}`;
  return createEntraUser({
    jwt: { header: {}, claims: { tid: 'tenant', oid: objectId } },
    accessToken: '',
    accessTokenHash: `hash ${user}`,
  });
}
