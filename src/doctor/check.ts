import { isError } from '../errors';

export type Status = 'ok' | 'warning' | 'problem' | 'skipped';

/** What a check is about, in the order of the report. */
export const groups = [
  'Settings',
  'This machine',
  'Identity provider',
  'Microsoft Graph',
  'Communication Services',
  'Identity store',
  'Deployed server',
  'Token',
] as const;

export type Group = (typeof groups)[number];

export interface Finding {
  readonly name: string;
  readonly group: Group;
  readonly status: Status;
  /** What was found. Never a secret or a token. */
  readonly message: string;
  /** The most likely cause. */
  readonly cause?: string | undefined;
  /** How to fix it. */
  readonly remedy?: string | undefined;
  /** The document about it, by default that of the group. */
  readonly docs?: string | undefined;
}

/** What a check found, by default under the name of the check. */
export type Result = Omit<Finding, 'name' | 'group'> & { readonly name?: string };

export interface Check {
  readonly name: string;
  readonly group: Group;
  /** Checks that must pass before this one makes sense. */
  readonly needs?: readonly Check[];
  /** Settings that must be well-formed. */
  readonly settings?: readonly string[];
  readonly run: () => Promise<Result | readonly Result[]> | Result | readonly Result[];
}

type Details = Pick<Result, 'cause' | 'docs'>;

export const ok = (message: string): Result => ({ status: 'ok', message });
export const warning = (message: string, remedy?: string, details: Details = {}): Result => ({
  status: 'warning',
  message,
  remedy,
  ...details,
});
export const problem = (message: string, remedy?: string, details: Details = {}): Result => ({
  status: 'problem',
  message,
  remedy,
  ...details,
});
export const skipped = (message: string, remedy?: string): Result => ({
  status: 'skipped',
  message,
  remedy,
});

/**
 * Runs the checks in order, one at a time. A check whose needs failed is skipped.
 *
 * @param unusable settings that are missing or malformed
 */
export async function runChecks(
  checks: readonly Check[],
  unusable: ReadonlySet<string> = new Set(),
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const failed = new Set<Check>();
  for (const check of checks) {
    const missing =
      check.settings?.find((setting) => unusable.has(setting)) ??
      check.needs?.find((needed) => failed.has(needed))?.name;
    const results = missing === undefined ? await runCheck(check) : [skipped(`fix "${missing}" first`)];
    if (results.some(({ status }) => status === 'problem' || status === 'skipped')) failed.add(check);
    const { name, group } = check;
    findings.push(...results.map((result) => ({ ...result, group, name: result.name ?? name })));
  }
  return findings;
}

async function runCheck(check: Check): Promise<readonly Result[]> {
  try {
    return [await check.run()].flat();
  } catch (error) {
    // Only the kind: the text of an unexpected error may contain a secret.
    const kind = isError(error) ? error.name : 'unknown failure';
    return [problem(`the check failed unexpectedly (${kind})`, 'Please report this as a bug of the doctor.')];
  }
}
