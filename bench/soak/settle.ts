import { setTimeout as sleep } from 'node:timers/promises';
import { replayedChoices } from '../../simulation/choices';
import { compareStore, type Findings } from './check';
import type { Cluster } from './cluster';
import type { Traffic } from './traffic';

/** Longer than the orphan cleanup retries, and longer than the server waits for a late creation. */
const cleanupTimeInMs = 100_000;
const maxAttempts = 40;

/**
 * Each server serves each user again. Returns the users who are not served, or get different identities.
 *
 * The first round completes what was interrupted: one server may still remember an identity whose deletion the other one completes.
 */
export async function serveAll(traffic: Traffic, users: number): Promise<number[]> {
  const unserved: number[] = [];
  for (let user = 0; user < users; user += 1) {
    await serveOnEach(traffic, user);
    const [first, second] = await serveOnEach(traffic, user);
    if (first === undefined || first !== second) unserved.push(user);
  }
  return unserved;
}

async function serveOnEach(traffic: Traffic, user: number): Promise<(string | undefined)[]> {
  const served: (string | undefined)[] = [];
  for (const server of [0, 1]) served.push(await serve(traffic, user, server));
  return served;
}

/** Remaining faults and open circuit breakers may require several attempts. */
async function serve(traffic: Traffic, user: number, server: number): Promise<string | undefined> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const { id } = await traffic.perform('getToken', user, server, replayedChoices([]));
    if (id !== undefined) return id;
    await sleep(500);
  }
  return undefined;
}

/** Waits until the servers have deleted the identities that they could not map, except at most this many. */
export async function waitForCleanup(
  cluster: Cluster,
  allowed: number,
): Promise<Pick<Findings, 'dangling' | 'orphans'>> {
  const end = performance.now() + cleanupTimeInMs;
  for (;;) {
    const state = await compareStore(cluster);
    const isClean = state.dangling.length === 0 && state.orphans.length <= allowed;
    if (isClean || performance.now() > end) return state;
    await sleep(500);
  }
}
