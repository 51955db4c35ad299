import type { Cloud } from './clouds';
import type { InvalidSetting } from './configError';
import { describeProblem } from './settingProblem';
import { settings, type SettingName } from './settings';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What an app that embeds the server got wrong before its options were read as settings. Reported with the problems of the settings. */
export interface EarlierProblems {
  readonly messages: readonly string[];
  /** The full names of settings that the messages are about: they are not reported again, and no rule is applied to them. */
  readonly settings: ReadonlySet<string>;
}

/** Reads settings one by one, and collects what is wrong with them. */
export interface SettingReader {
  /** Undefined if the setting is missing or malformed. */
  readonly read: (name: SettingName, suffix: string) => unknown;
  /** A set, since several providers may share a setting. */
  readonly problems: Set<string>;
  /** The problems of single settings. */
  readonly invalidSettings: Map<string, InvalidSetting>;
  /** The settings that were missing or malformed, with any suffix. */
  readonly unreadable: ReadonlySet<SettingName>;
}

export function createSettingReader(
  environment: Environment,
  cloud: Cloud,
  earlierProblems: EarlierProblems,
): SettingReader {
  const problems = new Set(earlierProblems.messages);
  const invalidSettings = new Map<string, InvalidSetting>();
  const unreadable = new Set<SettingName>();
  return {
    problems,
    invalidSettings,
    unreadable,
    read(name, suffix) {
      const { schema, defaultText, inCloud } = settings[name];
      const ownText = textOf(environment, `${name}${suffix}`);
      const isReported = earlierProblems.settings.has(`${name}${suffix}`);
      if (isReported) unreadable.add(name);
      const text = isReported ? ownText : ((inCloud ? inCloud(ownText, cloud) : ownText) ?? defaultText);
      const parsed = schema.safeParse(text);
      if (parsed.success) return parsed.data;
      if (isReported) return undefined;
      const reason = text === undefined ? 'missing' : 'malformed';
      const problem = describeProblem(name, reason, suffix);
      problems.add(problem);
      invalidSettings.set(problem, { name, suffix, reason });
      unreadable.add(name);
      return undefined;
    },
  };
}

/** The text of a setting; an empty one counts as absent, as it does in a copied .env.sample. */
export function textOf(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
}
