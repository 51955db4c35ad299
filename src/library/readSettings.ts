import type { Authenticate } from '../authentication/app/appAuthentication';
import { type Config, ConfigError, loadConfig } from '../config/config';
import { suffixOf, textOfProvider } from '../config/identityProviders';
import { describeProblem } from '../config/settingProblem';
import { type Log, silentLog } from '../log';
import {
  cacheOptions,
  communicationOptions,
  graphOptions,
  providerOptions,
  rateLimitOptions,
  storeOptions,
  topOptions,
  workloadIdentityOptions,
} from './optionNames';
import type { CommunicationAuthSettings } from './settings';
import { createTranslation, isObject, type OptionNames, type Translation } from './translation';

export interface ReadCommunicationAuthSettings {
  readonly config: Config;
  readonly authenticate: Authenticate | undefined;
  readonly logger: Log | undefined;
  /** Replaces the names of settings in a message by those of the options. */
  readonly nameOptions: (text: string) => string;
}

const consequence = 'createCommunicationAuth failed';
const parts = {
  communication: communicationOptions,
  rateLimits: rateLimitOptions,
  caches: cacheOptions,
} as const;

/**
 * Reads the options by the schemas and rules of the server's settings, as if they were in the environment, so that both have the same
 * defaults and messages. Callers without types get a message for what the types rule out. Throws ConfigError.
 */
export function readCommunicationAuthSettings(
  settings: CommunicationAuthSettings,
): ReadCommunicationAuthSettings {
  const input: unknown = settings;
  if (!isObject(input)) throw new TypeError('createCommunicationAuth needs an object with its settings');
  const translation = createTranslation();
  const others = [...Object.keys(parts), 'providers', 'authenticate', 'store', 'workloadIdentity', 'logger'];
  translation.add(input, '', topOptions, { others });
  for (const [name, names] of Object.entries(parts)) translation.add(input[name], name, names);
  addStore(input.store, translation);
  const hasEntra = addUsers(input, translation);
  addWorkloadIdentity(input.workloadIdentity, hasEntra, translation);
  checkLogger(input.logger, translation);

  const { authenticate, logger } = settings;
  const config = load(translation, authenticate !== undefined && input.providers === undefined);
  const providers = config.providers.map((provider) => ({
    ...provider,
    allowedClientIdsSetting: translation.optionOf(provider.allowedClientIdsSetting),
  }));
  return { config: { ...config, providers }, authenticate, logger, nameOptions: translation.nameOptions };
}

function load(translation: Translation, withoutProviders: boolean): Config {
  try {
    return loadConfig(translation.environment, { withoutProviders, earlierProblems: translation.problems });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map(translation.nameOptions), error.summary, consequence);
  }
}

/** Whether the first provider of the kind `entra` is one of them. */
function addUsers({ providers, authenticate }: Readonly<Record<string, unknown>>, to: Translation): boolean {
  if (authenticate !== undefined) {
    if (typeof authenticate !== 'function') to.problem('authenticate is malformed. Expected: a function.');
    if (providers !== undefined)
      to.problem('providers and authenticate are set, but only one of them may be.', 'IDENTITY_PROVIDER');
    return false;
  }
  const list: readonly unknown[] = Array.isArray(providers) ? providers : [];
  if (list.length === 0) {
    to.problem(
      `${describeProblem('IDENTITY_PROVIDER', 'missing')} Or set authenticate, if your app signs its users in.`,
      'IDENTITY_PROVIDER',
    );
  }
  const kindsBefore = new Set<string>();
  const texts = list.flatMap((provider, index) => {
    const path = `providers[${index}]`;
    const kind = kindOf(provider, providerOptions);
    if (kind === undefined) {
      to.problem(
        `${path}.kind is malformed. Expected: ${Object.keys(providerOptions).join(', ')}.`,
        'IDENTITY_PROVIDER',
      );
      return [];
    }
    // The first one of a kind has the settings without a suffix.
    const name = { kind, instance: kindsBefore.has(kind) ? `p${index}` : undefined };
    kindsBefore.add(kind);
    to.add(provider, path, providerOptions[kind], { suffix: suffixOf(name), others: ['kind'] });
    return [textOfProvider(name)];
  });
  to.set('IDENTITY_PROVIDER', texts.join(','));
  return kindsBefore.has('entra');
}

function addStore(store: unknown, to: Translation): void {
  const kind = kindOf(store, storeOptions);
  if (kind === undefined) {
    const isSet = isObject(store) && store.kind !== undefined;
    to.problem(describeProblem('IDENTITY_STORE', isSet ? 'malformed' : 'missing'), 'IDENTITY_STORE');
    return;
  }
  to.set('IDENTITY_STORE', kind);
  const names: OptionNames = storeOptions[kind];
  to.add(store, 'store', names, { others: kind === 'table' ? ['kind', 'fallback'] : ['kind'] });
  if (kind !== 'table' || !isObject(store) || store.fallback === undefined) return;
  to.set('IDENTITY_STORE_FALLBACK', 'graph');
  to.add(store.fallback, 'store.fallback', graphOptions);
}

function addWorkloadIdentity(workloadIdentity: unknown, hasEntra: boolean, to: Translation): void {
  if (workloadIdentity === undefined) return;
  const { federatedTokenFile, ...ofProvider } = workloadIdentityOptions;
  if (!hasEntra) {
    to.add(workloadIdentity, 'workloadIdentity', workloadIdentityOptions);
    return;
  }
  const others = Object.keys(ofProvider);
  to.add(workloadIdentity, 'workloadIdentity', { federatedTokenFile }, { others });
  const input = isObject(workloadIdentity) ? workloadIdentity : {};
  for (const option of others.filter((name) => input[name] !== undefined)) {
    to.problem(`workloadIdentity.${option} is set, but it is that of the Entra provider. Leave it out.`);
  }
}

function checkLogger(logger: unknown, to: Translation): void {
  if (logger === undefined) return;
  const methods = Object.keys(silentLog);
  if (isObject(logger) && methods.every((name) => typeof logger[name] === 'function')) return;
  to.problem(`logger is malformed. Expected: an object with the methods ${methods.join(', ')}.`);
}

function kindOf<Kind extends string>(
  part: unknown,
  kinds: Readonly<Record<Kind, unknown>>,
): Kind | undefined {
  const kind = isObject(part) ? part.kind : undefined;
  return (Object.keys(kinds) as Kind[]).find((known) => known === kind);
}
