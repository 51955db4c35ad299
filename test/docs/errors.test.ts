import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '../../src/errors';
import { projectRoot, readDocument, tableRows } from './markdown';

const reference = readDocument('docs/errors.md');

interface ErrorSection {
  readonly code: string;
  /** From the heading above it, for example `## 400 Bad Request`. */
  readonly status: number;
  readonly text: string;
}

/** The sections whose heading is an error code, below the heading of a status. */
function errorSections(): ErrorSection[] {
  return reference.text.split(/^## /m).flatMap((chapter) => {
    const status = Number(/^(\d{3}) /.exec(chapter)?.[1]);
    const [, ...sections] = Number.isNaN(status) ? [] : chapter.split(/^### /m);
    return sections.map((section) => {
      const [, code = '', text = ''] = /^`([a-z_]+)`\n(.*)$/s.exec(section) ?? [];
      return { code, status, text };
    });
  });
}

/** The specific codes that the server puts into `innererror.code`. */
function innerCodes(): string[] {
  const folder = join(projectRoot, 'src');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('doctor'),
  );
  return sources.flatMap((source) => {
    const text = readFileSync(join(folder, source), 'utf8');
    const inChecks = [...text.matchAll(/(?:problem|notTrusted)\(\s*'([a-z_]+)'/g)];
    const inErrors = [...text.matchAll(/innererror: \{ code: [^}]*\}/g)].flatMap(([found]) => [
      ...found.matchAll(/(?<!=== )'([a-z_]+)'/g),
    ]);
    return [...inChecks, ...inErrors].map(([, code = '']) => code);
  });
}

describe('docs/errors.md', () => {
  it('has a section for exactly the error codes, under their status', () => {
    const documented = errorSections().map(({ code, status }) => [code, status]);
    expect(documented).toHaveLength(Object.keys(errorCodes).length);
    expect(Object.fromEntries(documented)).toEqual(errorCodes);
  });

  it.each(errorSections().map(({ code, text }) => [code, text]))('says who must act on %s', (_code, text) => {
    expect(text).toMatch(/\*\*(App|User|Operator|Administrator|No one)\b[^*]*:\*\*/);
  });

  it('has no row for an unknown innererror.code', () => {
    const inner = new Set(innerCodes());
    const unknown = [...tableRows(reference).keys()].filter((name) => !inner.has(name));
    expect(unknown).toEqual(['refused_by_entra']);
  });

  it.each([...new Set(innerCodes())])('explains the innererror.code %s', (code) => {
    expect(reference.text).toContain(`\`${code}\``);
  });

  it('is checked for all kinds of innererror.code', () => {
    expect(innerCodes()).toEqual(
      expect.arrayContaining([
        'token_for_graph',
        'unknown_key',
        'seal_missing',
        'seal_broken',
        'graph_access_denied',
      ]),
    );
  });
});
