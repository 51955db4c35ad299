import { parseArgs } from 'node:util';

export const localStores = ['graph', 'table', 'acs'] as const;

export type LocalStoreName = (typeof localStores)[number];

/** What the emulator's command is told. */
export interface CommandLine {
  /** `--data`: the folder that keeps the emulator's state across restarts. */
  readonly dataFolder: string | undefined;
  /** `--public-names`, or EMULATOR_PUBLIC_NAMES=1. */
  readonly publicNames: boolean;
}

/** What `npm run local` is told after `--`. */
export interface LocalCommandLine extends CommandLine {
  /** `--store`: the server's identity store. */
  readonly store: LocalStoreName;
  /** `--trace`: the server prints each request with its calls. */
  readonly trace: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const options = { data: { type: 'string' }, 'public-names': { type: 'boolean' } } as const;

/** Any other argument is refused, since a misspelt one would be ignored silently. */
export function parseCommandLine(args: readonly string[], environment: Environment): CommandLine {
  const { values } = parseArgs({ args: [...args], options });
  return commandLine(values, environment);
}

export function parseLocalCommandLine(args: readonly string[], environment: Environment): LocalCommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...options,
      store: { type: 'string', default: 'graph' },
      trace: { type: 'boolean', default: false },
    },
  });
  const store = localStores.find((candidate) => candidate === values.store);
  if (store === undefined) throw new Error(`--store must be one of ${localStores.join(', ')}.`);
  return { ...commandLine(values, environment), store, trace: values.trace };
}

function commandLine(
  values: { data?: string; 'public-names'?: boolean },
  { EMULATOR_PUBLIC_NAMES: publicNames = '' }: Environment,
): CommandLine {
  if (!['', '0', '1'].includes(publicNames)) {
    throw new Error(`EMULATOR_PUBLIC_NAMES must be 1 or 0, not "${publicNames}"`);
  }
  if (values.data === '') throw new Error('--data must name a folder.');
  return { dataFolder: values.data, publicNames: values['public-names'] ?? publicNames === '1' };
}
