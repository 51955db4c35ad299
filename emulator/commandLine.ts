import { parseArgs } from 'node:util';

export const localStores = ['graph', 'table', 'acs'] as const;

export type LocalStoreName = (typeof localStores)[number];

/** What `npm run emulator` and `npm run local` are told after `--`. */
export interface CommandLine {
  /** `--data`: the folder that keeps the emulator's state across restarts. */
  readonly dataFolder: string | undefined;
  /** `--public-names`, or EMULATOR_PUBLIC_NAMES=1. */
  readonly publicNames: boolean;
  /** `--store`: the identity store of `npm run local`. */
  readonly store: LocalStoreName;
}

/** Any other argument is refused, since a misspelt one would be ignored silently. */
export function parseCommandLine(
  args: readonly string[],
  { EMULATOR_PUBLIC_NAMES: publicNames = '' }: Readonly<Record<string, string | undefined>>,
): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      'public-names': { type: 'boolean' },
      store: { type: 'string', default: 'graph' },
    },
  });
  const store = localStores.find((candidate) => candidate === values.store);
  if (store === undefined) throw new Error(`--store must be one of ${localStores.join(', ')}.`);
  if (!['', '0', '1'].includes(publicNames)) {
    throw new Error(`EMULATOR_PUBLIC_NAMES must be 1 or 0, not "${publicNames}"`);
  }
  return { dataFolder: values.data, publicNames: values['public-names'] ?? publicNames === '1', store };
}
