import { seededChoices } from '../../simulation/choices';
import { checkHistory, type Findings } from './check';
import { startCluster } from './cluster';
import { injectFaults } from './faults';
import type { SoakStore } from './options';
import { serveAll, waitForCleanup } from './settle';
import { addUsers, createTraffic, keepBusy } from './traffic';

export interface SoakResult extends Findings {
  readonly requests: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly faults: number;
  /** Upstream calls, of all. */
  readonly calls: number;
  /** The maximum number of orphans from lost responses of creations; with custom ids, a lost response leaves none. */
  readonly allowedOrphans: number;
  /** Users who were not served after the end of the faults. */
  readonly unserved: readonly number[];
}

export interface SoakSize {
  readonly users: number;
  readonly callers: number;
  readonly milliseconds: number;
  readonly pauseBetweenFaultsInMs: number;
}

/** Random requests of many users to two servers, while every upstream fails at random. */
export async function soak(
  store: SoakStore,
  seed: number,
  { users: count, callers, milliseconds, pauseBetweenFaultsInMs: pauseInMs }: SoakSize,
): Promise<SoakResult> {
  const cluster = await startCluster(store);
  try {
    const users = addUsers(cluster, count);
    const traffic = createTraffic(cluster, users);
    const [faults] = await Promise.all([
      injectFaults(cluster, store, seededChoices(seed), { milliseconds, pauseInMs }),
      keepBusy(traffic, seededChoices(seed + 1), { users: count, callers, milliseconds }),
    ]);
    cluster.proxy?.clear();
    const unserved = await serveAll(traffic, count);
    const allowedOrphans = store === 'acs' ? 0 : faults.lostCreations;
    const { dangling, orphans } = await waitForCleanup(cluster, allowedOrphans);
    return {
      requests: traffic.operations.length,
      statuses: traffic.statuses,
      faults: faults.injected,
      calls:
        Object.values(cluster.emulator.calls()).reduce((sum, calls) => sum + calls, 0) +
        Object.values(cluster.proxy?.calls() ?? {}).reduce((sum, calls) => sum + calls, 0),
      allowedOrphans,
      unserved,
      violations: checkHistory(traffic.operations, store !== 'acs'),
      dangling,
      orphans,
    };
  } finally {
    await cluster.stop();
  }
}

/** The problems found; empty if all invariants hold. */
export function problemsOf(
  result: Pick<SoakResult, keyof Findings | 'unserved' | 'allowedOrphans'>,
): string[] {
  const { violations, unserved, dangling, orphans, allowedOrphans } = result;
  return [
    ...violations.map(({ invariant, details }) => `${invariant}: ${details}`),
    ...unserved.map((user) => `user ${user} is not served`),
    ...dangling.map((id) => `an entry names ${id}, which does not exist`),
    ...(orphans.length > allowedOrphans ? [`${orphans.length} orphans, ${allowedOrphans} allowed`] : []),
  ];
}
