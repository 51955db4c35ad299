import { isError } from '../errors';

export type Status = 'ok' | 'warning' | 'problem' | 'skipped';

/** One line of the report. */
export interface Finding {
  readonly name: string;
  readonly status: Status;
  /** What was found. Never a secret or a token. */
  readonly message: string;
  /** How to fix it. */
  readonly remedy?: string | undefined;
}

/** What a check found, by default under the name of the check. */
export type Result = Omit<Finding, 'name'> & { readonly name?: string };

export interface Check {
  readonly name: string;
  /** Checks that must pass before this one makes sense. */
  readonly needs?: readonly Check[];
  readonly run: () => Promise<Result | readonly Result[]> | Result | readonly Result[];
}

export const ok = (message: string): Result => ({ status: 'ok', message });
export const warning = (message: string, remedy?: string): Result => ({
  status: 'warning',
  message,
  remedy,
});
export const problem = (message: string, remedy?: string): Result => ({
  status: 'problem',
  message,
  remedy,
});
export const skipped = (message: string, remedy?: string): Result => ({
  status: 'skipped',
  message,
  remedy,
});

/** Runs the checks in order, one at a time; a check whose needs failed is reported as skipped. */
export async function runChecks(
  checks: readonly Check[],
  onFinding: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const failed = new Set<Check>();
  for (const check of checks) {
    const missing = check.needs?.find((needed) => failed.has(needed));
    const results = missing ? [skipped(`fix "${missing.name}" first`)] : await runCheck(check);
    if (results.some(({ status }) => status === 'problem' || status === 'skipped')) failed.add(check);
    for (const result of results) {
      const finding = { ...result, name: result.name ?? check.name };
      findings.push(finding);
      onFinding(finding);
    }
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
