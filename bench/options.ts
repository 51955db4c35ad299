import { parseArgs } from 'node:util';

const sectionNames = [
  'calls',
  'startup',
  'latency',
  'throughput',
  'growth',
  'storm',
  'stores',
  'reuse',
  'pressure',
] as const;
export type SectionName = (typeof sectionNames)[number];

/** How much is measured in a full or a quick run. */
export interface Sizes {
  /** Requests per row of the latency table. */
  readonly latencySamples: number;
  readonly rounds: number;
  readonly secondsPerLoad: number;
  /** Numbers of distinct users after which CPU time and memory are measured. */
  readonly growthSteps: readonly number[];
  readonly storm: { readonly users: number; readonly limit: number; readonly perSeconds: number };
}

export interface Options {
  readonly only: readonly SectionName[];
  readonly quick: boolean;
  readonly sizes: Sizes;
}

export const usage = `npm run bench -- [--quick] [--users <number>] [--only <${sectionNames.join(',')}>]`;

const full: Sizes = {
  latencySamples: 200,
  rounds: 7,
  secondsPerLoad: 3,
  growthSteps: [100, 10_000],
  storm: { users: 5_000, limit: 1_000, perSeconds: 30 },
};

const quick: Sizes = {
  latencySamples: 40,
  rounds: 3,
  secondsPerLoad: 1,
  growthSteps: [100],
  storm: { users: 500, limit: 100, perSeconds: 3 },
};

/** Throws an Error if the arguments are invalid. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: sectionNames.join(',') },
      users: { type: 'string' },
    },
  });
  const sizes = values.quick ? quick : full;
  const users = Number(values.users ?? (values.quick ? 10_000 : 100_000));
  if (!Number.isInteger(users) || users < 100) throw new Error('--users must be an integer of at least 100');
  const growthSteps = [...sizes.growthSteps.filter((step) => step < users), users];
  return {
    only: values.only.split(',').map(parseSectionName),
    quick: values.quick,
    sizes: { ...sizes, growthSteps },
  };
}

function parseSectionName(name: string): SectionName {
  const found = sectionNames.find((known) => known === name);
  if (!found) throw new Error(`Unknown section "${name}"`);
  return found;
}
