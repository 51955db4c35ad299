/** Lists every setting that is missing or malformed; never a value, since it may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly problems: readonly string[],
    readonly flaw = 'missing or malformed',
    consequence = 'The server cannot start',
  ) {
    const count = problems.length === 1 ? 'a setting is' : `${problems.length} settings are`;
    super([`${consequence}: ${count} ${flaw}.`, ...problems.map((line) => `  - ${line}`)].join('\n'));
  }
}
