import { describeProblem } from '../config/settingProblem';
import type { EarlierProblems } from '../config/settingReader';
import { settings, type SettingName } from '../config/settings';
import {
  cacheOptions,
  communicationOptions,
  providerOptions,
  rateLimitOptions,
  storeOptions,
  topOptions,
  workloadIdentityOptions,
} from './optionNames';

export type OptionNames = Readonly<Record<string, SettingName>>;

/** Translates options to the text of settings, so that the same rules apply, and the names in messages back to options. */
export interface Translation {
  readonly environment: Readonly<Record<string, string>>;
  /** What no setting can express, such as an unknown option. */
  readonly problems: EarlierProblems;
  /** Translates one part of the options. An undefined option is absent. */
  add(part: unknown, path: string, names: OptionNames, more?: AddOptions): void;
  set(name: SettingName, text: string): void;
  /** @param setting the one that the problem is about, if any, with its suffix */
  problem(text: string, setting?: string): void;
  /** Replaces the names of settings by those of options. */
  readonly nameOptions: (text: string) => string;
  /** The option that is this setting, with its suffix. */
  optionOf(setting: string): string;
}

export interface AddOptions {
  /** The suffix of a further provider of the same kind. */
  readonly suffix?: string;
  /** Options of this part that are no settings. */
  readonly others?: readonly string[];
}

/** Names of settings, with the suffix of a further provider. */
const settingPattern = /\b[A-Z][A-Z0-9]*(?:_{1,2}[A-Z0-9]+)+\b/g;

export function createTranslation(): Translation {
  const environment: Record<string, string> = {};
  const messages: string[] = [];
  const reported = new Set<string>();
  const optionNames = namesWithoutSettings();
  const optionOf = (setting: string) => optionNames.get(setting) ?? setting;
  const problem = (text: string, setting?: string) => {
    messages.push(text);
    if (setting !== undefined) reported.add(setting);
  };
  return {
    environment,
    problems: { messages, settings: reported },
    add(part, path, names, { suffix = '', others = [] } = {}) {
      for (const [option, setting] of Object.entries(names)) {
        optionNames.set(`${setting}${suffix}`, pathOf(path, option));
      }
      if (part === undefined) return;
      if (!isObject(part)) {
        problem(`${path} is malformed. Expected: an object.`);
        for (const setting of Object.values(names)) reported.add(`${setting}${suffix}`);
        return;
      }
      const isGiven = (option: string) => part[option] !== undefined && part[option] !== null;
      for (const option of Object.keys(part).filter(isGiven)) {
        if (others.includes(option) || Object.hasOwn(names, option)) continue;
        const known = [...others, ...Object.keys(names)].join(', ');
        problem(`${pathOf(path, option)} is unknown. Known here: ${known}.`);
      }
      // By name, since an object may inherit them, such as the getters of a class.
      for (const [option, setting] of Object.entries(names)) {
        if (!isGiven(option)) continue;
        const text = textOf(setting, part[option]);
        const fullName = `${setting}${suffix}`;
        if (text === undefined) problem(describeProblem(setting, 'malformed', suffix), fullName);
        else environment[fullName] = text;
      }
    },
    set: (name, text) => void (environment[name] = text),
    problem,
    nameOptions: (text) => text.replace(settingPattern, optionOf),
    optionOf,
  };
}

/** Undefined if it is of a type that the setting's text cannot have. */
function textOf(name: SettingName, value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  // As text, an empty list would count as absent, and get the default.
  if (items.length === 0 && settings[name].defaultText) return undefined;
  const isItem = (item: unknown) => typeof item === 'string' && item !== '' && !item.includes(',');
  return items.every(isItem) ? items.join(',') : undefined;
}

/** Options that a message may name although their part is absent. */
function namesWithoutSettings(): Map<string, string> {
  const names = new Map<string, string>([
    ['IDENTITY_PROVIDER', 'providers'],
    ['IDENTITY_STORE', 'store.kind'],
    ['IDENTITY_STORE_FALLBACK', 'store.fallback'],
  ]);
  const parts: (readonly [string, OptionNames])[] = [
    ['', topOptions],
    ['communication', communicationOptions],
    ['rateLimits', rateLimitOptions],
    ['caches', cacheOptions],
    ...Object.values(providerOptions).map((options) => ['providers[]', options] as const),
    ...Object.values(storeOptions).map((options) => ['store', options] as const),
    ['workloadIdentity', { federatedTokenFile: workloadIdentityOptions.federatedTokenFile }],
  ];
  for (const [path, options] of parts) {
    for (const [option, setting] of Object.entries(options)) names.set(setting, pathOf(path, option));
  }
  return names;
}

function pathOf(path: string, option: string): string {
  return path === '' ? option : `${path}.${option}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
