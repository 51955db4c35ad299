import type { Finding, Status } from './check';

/** Where the report goes: usually standard output. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const marks: Record<Status, string> = { ok: '✓', warning: '!', problem: '✗', skipped: '–' };
const colors: Record<Status, number> = { ok: 32, warning: 33, problem: 31, skipped: 90 };
const statusWidth = 'problem'.length;
const nameWidth = 26;
const maxLineWidth = 80;

export interface Report {
  readonly onFinding: (finding: Finding) => void;
  /** The last line. */
  readonly summarize: (findings: readonly Finding[]) => void;
}

/**
 * One finding per line: mark, status, check, message; the remedy on a line of its own. Wrapped on a terminal only, so that a program
 * can read the lines.
 *
 * @param secrets must not be printed, whatever text contains them: the checks do not, and this is a second safeguard
 */
export function createReport(out: Output, colored: boolean, secrets: readonly string[]): Report {
  const print = (line: string) => out.write(`${withoutSecrets(line, secrets)}\n`);
  const paint = (status: Status) => {
    const text = `${marks[status]} ${status.padEnd(statusWidth)}`;
    return colored ? `\u001b[${colors[status]}m${text}\u001b[0m` : text;
  };
  const indent = marks.ok.length + 1 + statusWidth + 2;
  const lines = (text: string, width: number) => (out.isTTY ? wrap(text, maxLineWidth - width) : [text]);

  return {
    onFinding({ name, status, message, remedy }) {
      const [first = '', ...others] = lines(message, indent + nameWidth + 2);
      const column = ' '.repeat(indent + nameWidth + 2);
      print(`${paint(status)}  ${name.padEnd(nameWidth)}  ${first}`);
      for (const line of others) print(`${column}${line}`);
      if (remedy) for (const line of lines(`-> ${remedy}`, indent)) print(`${' '.repeat(indent)}${line}`);
    },
    summarize(findings) {
      const count = (status: Status) => findings.filter((finding) => finding.status === status).length;
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

/** Breaks at spaces; a longer word gets a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const minSecretLength = 8;

function withoutSecrets(line: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= minSecretLength)
    .reduce((text, secret) => text.replaceAll(secret, '[secret]'), line)
    .replace(/eyJ[\w-]{5,}\.[\w-]+\.?[\w-]*/g, '[token]');
}

const maxDisplayLength = 120;

/** A value from outside, such as a claim, for a terminal: without control characters, and shortened. */
export function printable(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[^\x20-\x7e]/g, '?');
  return text.length > maxDisplayLength ? `${text.slice(0, maxDisplayLength)}...` : text;
}
