import type { SettingName } from './settings';

/** One setting that is missing or malformed by itself. */
export interface InvalidSetting {
  readonly name: SettingName;
  /** The suffix of a named identity provider, such as `__PARTNER`; otherwise empty. */
  readonly suffix: string;
  readonly reason: 'missing' | 'malformed';
  /** What can be set instead, if there is a choice. */
  readonly instead?: string;
}

/** Lists every setting that is missing or malformed; never a value, since it may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  /** @param invalidSettings the problems of single settings; the other problems are about settings that conflict */
  constructor(
    readonly problems: readonly string[],
    readonly summary = 'missing or malformed',
    consequence = 'The server cannot start',
    readonly invalidSettings: ReadonlyMap<string, InvalidSetting> = new Map(),
  ) {
    const count = problems.length === 1 ? 'a setting is' : `${problems.length} settings are`;
    super([`${consequence}: ${count} ${summary}.`, ...problems.map((line) => `  - ${line}`)].join('\n'));
  }
}
