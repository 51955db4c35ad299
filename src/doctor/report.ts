import type { Finding, Verdict } from './check';

/** Where the report goes: standard output, as a rule. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const colours: Record<Verdict, number> = { ok: 32, warning: 33, problem: 31, skipped: 90 };
const widestVerdict = 'problem'.length;

export interface Report {
  readonly tell: (finding: Finding) => void;
  /** The last line, after an empty one. */
  readonly conclude: (findings: readonly Finding[]) => void;
}

/**
 * @param secrets what must not be printed, whatever text it comes in: the checks never say it, and this is the net below
 */
export function createReport(out: Output, colourful: boolean, secrets: readonly string[]): Report {
  const print = (line: string) => out.write(`${withoutSecrets(line, secrets)}\n`);
  const paint = (verdict: Verdict) => {
    const word = verdict.padEnd(widestVerdict);
    return colourful ? `\u001b[${colours[verdict]}m${word}\u001b[0m` : word;
  };
  return {
    tell: ({ name, verdict, says, advice }) =>
      print(`${paint(verdict)}  ${name}: ${says}${advice ? ` -> ${advice}` : ''}`),
    conclude(findings) {
      const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
      const [problems, warnings, skips] = [count('problem'), count('warning'), count('skipped')];
      const parts = [
        problems > 0 ? plural(problems, 'problem') : 'No problem',
        ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
        ...(skips > 0 ? [`${skips} not checked`] : []),
      ];
      print(`\n${parts.join(', ')}.`);
    },
  };
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const shortestSecret = 8;

function withoutSecrets(line: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= shortestSecret)
    .reduce((text, secret) => text.replaceAll(secret, '[secret]'), line)
    .replace(/eyJ[\w-]{5,}\.[\w-]+\.?[\w-]*/g, '[token]');
}

/** A value from outside, such as a claim, made fit for a terminal: no control characters, and not endless. */
export function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[^\x20-\x7e]/g, '?');
  return text.length > longestShown ? `${text.slice(0, longestShown)}...` : text;
}

const longestShown = 120;
