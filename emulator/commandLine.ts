import { parseArgs } from 'node:util';

const localStores = ['graph', 'table', 'acs'] as const;

export type LocalStoreName = (typeof localStores)[number];

export const localProviders = ['entra', 'external_id', 'b2c', 'oidc'] as const;

export type LocalProviderName = (typeof localProviders)[number];

/** The arguments of the emulator's command. */
export interface CommandLine {
  /** `--data`: the folder that keeps the emulator's state across restarts. */
  readonly dataFolder: string | undefined;
  /** `--public-names`, or EMULATOR_PUBLIC_NAMES=1. */
  readonly publicNames: boolean;
}

/** The arguments of `npm run local` after `--`. */
export interface LocalCommandLine extends CommandLine {
  /** `--provider`: who signs the users in. */
  readonly provider: LocalProviderName;
  /** `--store`: the server's identity store; by default one that the provider can be used with. */
  readonly store: LocalStoreName;
  /** `--trace`: the server prints each request with its calls. */
  readonly trace: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const options = { data: { type: 'string' }, 'public-names': { type: 'boolean' } } as const;

/** Rejects any other argument, since a misspelt one would be ignored silently. */
export function parseCommandLine(args: readonly string[], environment: Environment): CommandLine {
  const { values } = parseArgs({ args: [...args], options });
  return commandLine(values, environment);
}

export function parseLocalCommandLine(args: readonly string[], environment: Environment): LocalCommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...options,
      store: { type: 'string' },
      provider: { type: 'string', default: 'entra' },
      trace: { type: 'boolean', default: false },
    },
  });
  const provider = oneOf(localProviders, '--provider', values.provider);
  const store = oneOf(localStores, '--store', values.store ?? defaultStoreOf(provider));
  if (provider !== 'entra' && store === 'graph') {
    throw new Error(
      `--provider ${provider} cannot be used with --store graph, which needs users of Microsoft Entra ID. ` +
        'Choose --store table or acs, or leave it out.',
    );
  }
  return { ...commandLine(values, environment), provider, store, trace: values.trace };
}

/** Only Microsoft Entra ID has the On-Behalf-Of exchange that is needed to keep identities in Microsoft Graph. */
function defaultStoreOf(provider: LocalProviderName): LocalStoreName {
  return provider === 'entra' ? 'graph' : 'acs';
}

export function oneOf<T extends string>(choices: readonly T[], option: string, value: string): T {
  const found = choices.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`${option} must be one of ${choices.join(', ')}.`);
  return found;
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
