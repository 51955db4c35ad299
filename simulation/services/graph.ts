import type { AuthenticatedUser } from '../../src/authentication/authenticatedUser';
import type { ExtensionClient, ExtensionProperties } from '../../src/graph/extensionClient';
import type { Deadline } from '../../src/resilience/deadline';
import type { CallOptions, Upstream } from '../../src/resilience/upstream';
import type { Scheduler } from '../scheduler';
import { describe } from './describe';

/** Open extensions: creates are atomic, writes are unconditional, and reads may be stale for a while. */
export interface GraphService {
  client(upstream: Upstream): ExtensionClient;
  extensions(): ExtensionProperties[];
}

interface Version {
  readonly properties: ExtensionProperties | undefined;
  /** When the next one replaced it. */
  replacedAt: number;
}

export function createGraphService(scheduler: Scheduler, maxLagInMs: number): GraphService {
  const versions = new Map<string, Version[]>();
  const versionsOf = (user: AuthenticatedUser) => versions.get(user.key) ?? [];
  const current = (user: AuthenticatedUser) => versionsOf(user).at(-1)?.properties;

  function write(user: AuthenticatedUser, properties: ExtensionProperties | undefined): void {
    const known = versionsOf(user);
    const last = known.at(-1) ?? { properties: undefined, replacedAt: Infinity };
    last.replacedAt = scheduler.time.now();
    versions.set(user.key, [...known.slice(0, -1), last, { properties, replacedAt: Infinity }]);
  }

  /** The current version, or an older one that a replica may still return. */
  function read(user: AuthenticatedUser): ExtensionProperties | undefined {
    const { budget, choices, time } = scheduler;
    const stale = versionsOf(user)
      .filter(({ replacedAt }) => replacedAt + maxLagInMs > time.now())
      .slice(0, -1);
    if (stale.length === 0 || budget.staleReads === 0 || !choices.chance(25)) return current(user);
    budget.staleReads -= 1;
    return stale[choices.choose(stale.length)]?.properties;
  }

  return {
    extensions: () =>
      [...versions.values()].flatMap((known) => {
        const properties = known.at(-1)?.properties;
        return properties ? [properties] : [];
      }),
    client(upstream) {
      const call = <T>(
        operation: string,
        deadline: Deadline,
        work: () => T,
        options: Pick<CallOptions<T>, 'retryOn' | 'beforeRetry'> = { retryOn: 'any_failure' },
      ) =>
        upstream.call<T>(operation, { deadline, describe, ...options }, (signal) =>
          scheduler.call(operation, work, { signal }),
        );
      const find: ExtensionClient['find'] = (user, deadline) =>
        call('read mapping', deadline, () => read(user));
      return {
        find,
        create: (user, properties, deadline) =>
          call(
            'create mapping',
            deadline,
            () => {
              if (current(user)) return 'exists';
              write(user, properties);
              return 'created';
            },
            { retryOn: 'never' },
          ),
        update: (user, properties, options) =>
          call(
            'update mapping',
            options.deadline,
            () => {
              if (!current(user)) return 'absent';
              write(user, properties);
              return 'updated';
            },
            { retryOn: 'any_failure', beforeRetry: options.beforeRetry },
          ),
        delete: (user, options) =>
          call(
            'remove mapping',
            options.deadline,
            () => {
              if (!current(user)) return 'absent';
              write(user, undefined);
              return 'deleted';
            },
            { retryOn: 'any_failure', beforeRetry: options.beforeRetry },
          ),
      };
    },
  };
}
