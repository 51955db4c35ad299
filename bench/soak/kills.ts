import { setTimeout as sleep } from 'node:timers/promises';
import { seededChoices } from '../../simulation/choices';
import { checkHistory, compareStore, type Findings } from './check';
import { startCluster } from './cluster';
import type { SoakStore } from './options';
import { serveAll } from './settle';
import { addUsers, createTraffic } from './traffic';

export interface KillsResult extends Findings {
  readonly requests: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly users: number;
  readonly unserved: readonly number[];
  /** Entries right after the last kill whose deletion was interrupted. */
  readonly interruptedDeletions: number;
  /** Entries right after the last kill that named an identity that did not exist, without a pending deletion. */
  readonly danglingBefore: number;
  readonly allowedOrphans: number;
}

const usersPerKill = 10;

/** Repeatedly kills one of two servers while both create and delete identities of new users. */
export async function killUnderLoad(
  store: SoakStore,
  seed: number,
  kills: number,
  report: (progress: string) => void = () => undefined,
): Promise<KillsResult> {
  const cluster = await startCluster(store);
  const { emulator } = cluster;
  try {
    const choices = seededChoices(seed);
    const users = addUsers(cluster, kills * usersPerKill);
    const traffic = createTraffic(cluster, users);
    for (let kill = 0; kill < kills; kill += 1) {
      const load = Array.from({ length: usersPerKill * 2 }, async (_, index) => {
        const [user, server] = [kill * usersPerKill + (index >> 1), index % 2];
        await traffic.perform(choices.chance(50) ? 'getToken' : 'POST user', user, server, choices);
        if (choices.chance(60)) await traffic.perform('DELETE user', user, server, choices);
        if (choices.chance(30)) await traffic.perform('getToken', user, server, choices);
      });
      const progress = { isOver: false };
      const finished = Promise.all(load).then(() => (progress.isOver = true));
      const before = emulator.callsTo('acs');
      const callsBeforeTheKill = 1 + choices.choose(35);
      // Some calls have been made, others are in flight: their number differs, which is intended.
      while (!progress.isOver && emulator.callsTo('acs') < before + callsBeforeTheKill) await sleep(1);
      await cluster.killAndRestart(choices.choose(2));
      await finished;
      if (kill % 10 === 9) report(`${kill + 1} kills`);
    }

    const interrupted = await cluster.entries();
    const { dangling: danglingBefore } = await compareStore(cluster);
    const unserved = await serveAll(traffic, users.length);
    const { dangling, orphans } = await compareStore(cluster);
    return {
      requests: traffic.operations.length,
      statuses: traffic.statuses,
      users: users.length,
      unserved,
      interruptedDeletions: interrupted.filter(({ pendingDeletion }) => pendingDeletion).length,
      danglingBefore: danglingBefore.length,
      // A crash between the creation of an identity and its entry orphans it; with custom ids this cannot happen.
      allowedOrphans: store === 'acs' ? 0 : kills * usersPerKill,
      violations: checkHistory(traffic.operations, store !== 'acs'),
      dangling,
      orphans,
    };
  } finally {
    await cluster.stop();
  }
}
