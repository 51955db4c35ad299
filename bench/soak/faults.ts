import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../emulator/startEmulator';
import type { Choices } from '../../simulation/choices';
import type { ProxyFault } from '../../test/stores/faultyProxy';
import type { Cluster } from './cluster';
import type { SoakStore } from './options';

type Kind = Fault extends infer F ? (F extends Fault ? Omit<F, 'operation'> : never) : never;

const creation = 'acs.identity.create';
const operations: Record<SoakStore, readonly string[]> = {
  graph: [
    'entra.token.on_behalf_of',
    'graph.me',
    'graph.extension.create',
    'graph.extension.update',
    'graph.extension.delete',
    creation,
    'acs.token.issue',
    'acs.identity.delete',
  ],
  table: [creation, 'acs.token.issue', 'acs.identity.delete'],
  acs: [creation, 'acs.token.issue', 'acs.identity.delete'],
};

const throttled = { 'Retry-After': '1' };
const kinds: readonly Kind[] = [
  { kind: 'drop' },
  { kind: 'drop' },
  { kind: 'replyLost' },
  { kind: 'replyLost' },
  { kind: 'cut' },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, effectDone: true },
  { kind: 'status', status: 429, headers: throttled },
  { kind: 'malformed' },
  { kind: 'garbage' },
];
/** Each keeps a request waiting for seconds. */
const rareKinds: readonly Kind[] = [{ kind: 'hang' }, { kind: 'hang', effectDone: true }];
const proxyFaults: readonly ProxyFault[] = ['dropped', 'replyLost', 'throttled'];
const methods = ['GET', 'POST', 'PUT', 'DELETE'];

const maxFaultsPer100Calls = 12;

export interface FaultCounts {
  readonly injected: number;
  /** Creations that were applied without a complete response: each may leave an identity that no one can find. */
  readonly lostCreations: number;
}

/** Makes upstream calls fail at random until the time is over. */
export async function injectFaults(
  { emulator, proxy }: Cluster,
  store: SoakStore,
  choices: Choices,
  { milliseconds, pauseInMs }: { milliseconds: number; pauseInMs: number },
): Promise<FaultCounts> {
  const end = performance.now() + milliseconds;
  const pick = <T>(list: readonly [T, ...T[]] | readonly T[]) => list[choices.choose(list.length)];
  let [injected, lostCreations] = [0, 0];
  const calls = () => sum(emulator.calls()) + sum(proxy?.calls() ?? {});
  while (performance.now() < end) {
    await sleep(1 + choices.choose(2 * pauseInMs));
    // Injected no faster than calls consume them, so that few are left at the end on a slow machine.
    if (injected > (calls() * maxFaultsPer100Calls) / 100) continue;
    // Mostly one, so that retries help; sometimes so many that they do not.
    const times = choices.chance(10) ? 4 : 1;
    injected += times;
    if (proxy && choices.chance(50)) {
      proxy.fail(pick(proxyFaults) ?? 'dropped', pick(methods) ?? 'GET', times);
    } else {
      const operation = pick(operations[store]) ?? creation;
      const kind = pick(choices.chance(4) ? rareKinds : kinds) ?? { kind: 'drop' };
      if (operation === creation && losesResponse(kind)) lostCreations += times;
      emulator.fail({ ...kind, operation, times });
    }
  }
  return { injected, lostCreations };
}

const sum = (counts: Record<string, number>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

function losesResponse(kind: Kind): boolean {
  return kind.kind === 'replyLost' || kind.kind === 'cut' || ('effectDone' in kind && kind.effectDone);
}
