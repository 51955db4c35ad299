import { parseArgs } from 'node:util';

export const soakStores = ['graph', 'table', 'acs'] as const;
export type SoakStore = (typeof soakStores)[number];

export interface SoakOptions {
  readonly store: SoakStore;
  readonly seconds: number;
  readonly seed: number;
  /** Instead of faults: how many times one of the two servers is killed under load. */
  readonly kills: number | undefined;
}

export const usage = `npm run soak -- --store ${soakStores.join('|')} [--seconds N | --kills N] [--seed S]`;

/** Throws an Error if the arguments are invalid. */
export function parseSoakOptions(args: string[]): SoakOptions {
  const { values } = parseArgs({
    args,
    options: {
      store: { type: 'string', default: 'graph' },
      seconds: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      kills: { type: 'string' },
    },
  });
  const store = soakStores.find((candidate) => candidate === values.store);
  if (store === undefined) throw new Error(`--store must be one of ${soakStores.join(', ')}`);
  return {
    store,
    seconds: positive('--seconds', values.seconds),
    seed: positive('--seed', values.seed),
    kills: values.kills === undefined ? undefined : positive('--kills', values.kills),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a positive integer`);
  return value;
}
