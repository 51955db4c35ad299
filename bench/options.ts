import { parseArgs } from 'node:util';

export const sectionNames = ['calls', 'latency', 'throughput', 'growth', 'storm'] as const;
export type SectionName = (typeof sectionNames)[number];

/** How much is measured: the sizes of the whole run, or of the quick one. */
export interface Sizes {
  /** Requests per row of the latency table. */
  readonly latencySamples: number;
  readonly rounds: number;
  readonly secondsPerLoad: number;
  /** After how many distinct users cost and memory are taken. */
  readonly growthSteps: readonly number[];
  readonly storm: { readonly users: number; readonly limit: number; readonly perSeconds: number };
}

export interface Options {
  readonly only: readonly SectionName[];
  readonly quick: boolean;
  readonly sizes: Sizes;
}

export const usage = `npm run bench -- [--quick] [--users <number>] [--only <${sectionNames.join(',')}>]`;

const whole: Sizes = {
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

/** Throws an Error that says what is wrong with the arguments. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: sectionNames.join(',') },
      users: { type: 'string' },
    },
  });
  const sizes = values.quick ? quick : whole;
  const users = Number(values.users ?? (values.quick ? 10_000 : 100_000));
  if (!Number.isInteger(users) || users < 100) throw new Error('--users takes a whole number from 100');
  const growthSteps = [...sizes.growthSteps.filter((step) => step < users), users];
  return {
    only: values.only.split(',').map(sectionNamed),
    quick: values.quick,
    sizes: { ...sizes, growthSteps },
  };
}

function sectionNamed(name: string): SectionName {
  const found = sectionNames.find((known) => known === name);
  if (!found) throw new Error(`There is no section "${name}"`);
  return found;
}
