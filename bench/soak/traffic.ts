import { setTimeout as sleep } from 'node:timers/promises';
import type { User } from '../../emulator/startEmulator';
import { type Choices } from '../../simulation/choices';
import type { Operation, OperationKind } from '../../simulation/history';
import type { Cluster } from './cluster';
import { send } from './request';

/** A user with several access tokens, as from several devices. */
export interface SoakUser {
  readonly user: User;
  readonly tokens: readonly string[];
}

export interface Traffic {
  readonly operations: readonly Operation[];
  /** Responses by status; 0: none. */
  readonly statuses: Readonly<Record<string, number>>;
  /** One request of this user, recorded. */
  perform(kind: OperationKind, user: number, server: number, choices: Choices): Promise<Operation>;
}

const tokensPerUser = 2;
/** The server's time limit. */
const requestTimeLimitInMs = 10_000;

export function addUsers({ emulator }: Cluster, count: number): SoakUser[] {
  return Array.from({ length: count }, () => {
    const user = emulator.addUser();
    const tokens = Array.from({ length: tokensPerUser }, () => emulator.accessToken({ user }));
    return { user, tokens };
  });
}

export function createTraffic({ emulator, servers }: Cluster, users: readonly SoakUser[]): Traffic {
  const operations: Operation[] = [];
  const statuses: Record<string, number> = {};
  const inFlight = new Map<string, { start: number; count: number }>();

  /** A getToken may join an in-flight one with the same access token. Its history then begins with that one (docs/known-issues.md). */
  function begin(key: string): { start: number; end: (hasResponse: boolean) => void } {
    const joined = inFlight.get(key) ?? { start: performance.now(), count: 0 };
    joined.count += 1;
    inFlight.set(key, joined);
    const leave = () => {
      joined.count -= 1;
      if (joined.count === 0) inFlight.delete(key);
    };
    return {
      start: joined.start,
      // The server may not know yet that the caller has gone.
      end(hasResponse) {
        if (hasResponse) leave();
        else setTimeout(leave, requestTimeLimitInMs).unref();
      },
    };
  }

  return {
    operations,
    statuses,
    async perform(kind, user, server, choices) {
      const token = choices.choose(tokensPerUser);
      const joinable = kind === 'getToken' || kind === 'getFreshToken';
      const shared = joinable ? begin(`${kind} ${user} ${token} ${server}`) : undefined;
      const operation: Operation = {
        user,
        kind,
        start: shared?.start ?? performance.now(),
        end: Infinity,
        outcome: 'unknown',
        id: undefined,
        created: false,
        token: undefined,
        existing: [],
      };
      operations.push(operation);
      const response = await send({
        url: servers[server]?.url ?? '',
        kind,
        token: users[user]?.tokens[token] ?? '',
        // Some callers do not wait for the response.
        signal: choices.chance(2) ? AbortSignal.timeout(1 + choices.choose(60)) : undefined,
      });
      const end = performance.now();
      shared?.end(response !== 0);
      const status = typeof response === 'number' ? response : 200;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (typeof response === 'number') return operation;
      const existing = emulator.identities().map(({ id }) => id);
      return Object.assign(operation, response, { outcome: '2xx', end, existing });
    },
  };
}

const kinds: readonly OperationKind[] = [
  ...(['getToken', 'getToken', 'getToken', 'getFreshToken', 'POST user'] as const),
  ...(['POST user', 'GET user', 'GET user', 'DELETE user', 'DELETE user'] as const),
];

/** Requests of random users to random servers until the time is over. */
export async function keepBusy(
  traffic: Traffic,
  choices: Choices,
  { users, callers, milliseconds }: { users: number; callers: number; milliseconds: number },
): Promise<void> {
  const end = performance.now() + milliseconds;
  const call = async () => {
    while (performance.now() < end) {
      const kind = kinds[choices.choose(kinds.length)] ?? 'getToken';
      await traffic.perform(kind, choices.choose(users), choices.choose(2), choices);
      if (choices.chance(5)) await sleep(choices.choose(50));
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
}
