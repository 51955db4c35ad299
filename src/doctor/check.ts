import { isError } from '../errors';

export type Verdict = 'ok' | 'warning' | 'problem' | 'skipped';

/** One line of the report. */
export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  /** What was seen, or what is wrong. Never a secret, never a token. */
  readonly says: string;
  /** How to mend it. */
  readonly advice?: string | undefined;
}

/** What a check found; its name is filled in where it says none. */
export type Result = Omit<Finding, 'name'> & { readonly name?: string };

export interface Check {
  readonly name: string;
  /** Checks that must have gone well, for this one to make sense. */
  readonly needs?: readonly Check[];
  readonly run: () => Promise<Result | readonly Result[]> | Result | readonly Result[];
}

export const ok = (says: string): Result => ({ verdict: 'ok', says });
export const warning = (says: string, advice?: string): Result => ({ verdict: 'warning', says, advice });
export const problem = (says: string, advice?: string): Result => ({ verdict: 'problem', says, advice });
export const skipped = (says: string, advice?: string): Result => ({ verdict: 'skipped', says, advice });

/** Runs checks in their order, one at a time; those that lack what they need are skipped, and say so. */
export async function runChecks(
  checks: readonly Check[],
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const unwell = new Set<Check>();
  for (const check of checks) {
    const missing = check.needs?.find((needed) => unwell.has(needed));
    const results = missing ? [skipped(`needs "${missing.name}" to be well first`)] : await examine(check);
    if (results.some(({ verdict }) => verdict === 'problem' || verdict === 'skipped')) unwell.add(check);
    for (const result of results) {
      const finding = { ...result, name: result.name ?? check.name };
      findings.push(finding);
      tell(finding);
    }
  }
  return findings;
}

async function examine(check: Check): Promise<readonly Result[]> {
  try {
    return [await check.run()].flat();
  } catch (error) {
    // Only the kind: the words of an unforeseen error are nobody's promise to keep secrets.
    const kind = isError(error) ? error.name : 'unknown failure';
    return [problem(`the check itself failed (${kind})`, 'Please report this as a fault of the doctor.')];
  }
}
