import { type Finding, type Group, groups, type Status } from './check';
import { docsOf, summarize } from './report';

export interface TextOptions {
  /** What was checked. */
  readonly subject: string;
  readonly colored: boolean;
  /** Lines are wrapped on a terminal only, so that a program can read them. */
  readonly wrapped: boolean;
  /** Also show what is ok in full. */
  readonly all: boolean;
}

const marks: Record<Status, string> = { ok: '✓', warning: '!', problem: '✗', skipped: '–' };
const colors: Record<Status, number> = { ok: 32, warning: 33, problem: 31, skipped: 90 };
const labelWidth = 26;
const maxLineWidth = 80;

/** One screen, problems first, each with its cause and fix on separate lines. What is ok takes one line for each group. */
export function toText(findings: readonly Finding[], options: TextOptions): string {
  const { colored, wrapped, subject } = options;
  const mark = (status: Status) =>
    colored ? `\u001b[${colors[status]}m${marks[status]}\u001b[0m` : marks[status];
  const strong = (text: string) => (colored ? `\u001b[1m${text}\u001b[0m` : text);
  /** A label with a text next to it, wrapped within its own column. */
  const row = (indent: string, label: string, width: number, text: string): string[] => {
    const column = indent.length + width;
    // A long label has a line of its own.
    if (label !== '' && label.length >= width) return [`${indent}${label}`, ...row(indent, '', width, text)];
    const [first = '', ...others] = wrapped ? wrap(text, maxLineWidth - column) : [text];
    return [
      `${indent}${label.padEnd(width)}${first}`,
      ...others.map((line) => `${' '.repeat(column)}${line}`),
    ];
  };
  const withMark = (status: Status, [first = '', ...others]: string[]) => [
    `${mark(status)} ${first.slice(2)}`,
    ...others,
  ];

  const inFull = (finding: Finding): string[] => [
    ...(colored
      ? [`${mark(finding.status)} ${strong(titleOf(finding))}`]
      : [`${marks[finding.status]} ${titleOf(finding)}`]),
    ...row('  ', '', 0, finding.message),
    ...(finding.cause === undefined ? [] : row('    ', 'Cause', 7, finding.cause)),
    ...(finding.remedy === undefined ? [] : row('    ', 'Fix', 7, finding.remedy)),
    ...row('    ', 'More', 7, docsOf(finding)),
    '',
  ];
  const asLine = ({ status, name, message, remedy }: Finding) =>
    withMark(status, row('  ', name, labelWidth, remedy === undefined ? message : `${message}. ${remedy}`));
  const asGroup = (group: Group, members: readonly Finding[]) =>
    withMark('ok', row('  ', group, labelWidth, [...new Set(members.map(({ name }) => name))].join(', ')));

  const worst = (['problem', 'warning'] as const).flatMap((status) =>
    findings.filter((finding) => finding.status === status),
  );
  const good = groups.flatMap((group) => {
    const members = findings.filter((finding) => finding.group === group && finding.status === 'ok');
    if (options.all || group === 'Token') return members.flatMap(asLine);
    return members.length === 0 ? [] : asGroup(group, members);
  });
  const skips = mergeSameReason(findings.filter(({ status }) => status === 'skipped')).flatMap(asLine);
  return [subject, '', ...worst.flatMap(inFull), ...good, ...skips, '', summarize(findings), ''].join('\n');
}

/** Merges the checks that were skipped for the same reason. */
function mergeSameReason(findings: readonly Finding[]): Finding[] {
  const byReason = new Map<string, Finding>();
  for (const finding of findings) {
    const reason = `${finding.message}\n${finding.remedy ?? ''}`;
    const same = byReason.get(reason);
    byReason.set(reason, same ? { ...same, name: `${same.name}, ${finding.name}` } : finding);
  }
  return [...byReason.values()];
}

function titleOf({ group, name }: Finding): string {
  return group.toLowerCase() === name.toLowerCase() ? group : `${group}: ${name}`;
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
