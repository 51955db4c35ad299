export interface Row {
  readonly name: string;
  readonly result: string;
  /** The value that the result is compared with. */
  readonly against: string;
}

export interface Section {
  readonly title: string;
  /** Describes the numbers of a result, in order. */
  readonly result: string;
  readonly against: string;
  readonly rows: readonly Row[];
}

/** Formats all sections as one Markdown table with aligned columns. */
export function formatTable(sections: readonly Section[]): string {
  const lines = sections.flatMap(({ title, result, against, rows }) => [
    [`**${title}**`, `*${result}*`, `*${against}*`],
    ...rows.map((row) => [row.name, row.result, row.against]),
  ]);
  const table = [['Measured', 'Result', 'Compared with'], ...lines];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [head = [], ...rest] = table;
  return [line(head), rule, ...rest.map(line)].join('\n');
}

/** Three significant digits, except for larger numbers. */
export function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
