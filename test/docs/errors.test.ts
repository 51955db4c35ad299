import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '../../src/errors';
import { projectRoot, readDocument, tableRows } from './markdown';

const reference = readDocument('docs/errors.md');
const rows = tableRows(reference);

/** Under which heading of errors.md each code's row stands; a status of its own in the row counts more. */
function documentedStatuses(): Map<string, number> {
  const statuses = new Map<string, number>();
  let ofHeading = NaN;
  for (const line of reference.text.split('\n')) {
    const [, heading] = /^## (\d{3})\b/.exec(line) ?? [];
    if (heading) ofHeading = Number(heading);
    const [, code = '', rest = ''] = /^\| `([a-z_]+)` +\|(.*)$/.exec(line) ?? [];
    const [, inRow] = /^ (\d{3}) +\|/.exec(rest) ?? [];
    if (code in errorCodes) statuses.set(code, Number(inRow ?? ofHeading));
  }
  return statuses;
}

/** The finer codes that the server puts into `innererror.code`. */
function innerCodes(): string[] {
  const sources = ['auth/accessTokenChecks.ts', 'services/identityLifecycle.ts', 'services/graphService.ts'];
  return sources.flatMap((source) => {
    const text = readFileSync(join(projectRoot, 'src', source), 'utf8');
    const inChecks = [...text.matchAll(/problem\(\s*'([a-z_]+)'/g)];
    const inErrors = [...text.matchAll(/innererror: \{ code: [^}]*\}/g)].flatMap(([found]) => [
      ...found.matchAll(/(?<!=== )'([a-z_]+)'/g),
    ]);
    return [...inChecks, ...inErrors].map(([, code = '']) => code);
  });
}

describe('docs/errors.md', () => {
  it('has every error code of the server with its status, and no other', () => {
    expect(Object.fromEntries(documentedStatuses())).toEqual(errorCodes);
    const inner = new Set(innerCodes());
    const unknown = [...rows.keys()].filter((name) => !(name in errorCodes) && !inner.has(name));
    expect(unknown).toEqual(['refused_by_entra']);
  });

  it.each([...new Set(innerCodes())])('explains the finer code %s', (code) => {
    expect(reference.text).toContain(`\`${code}\``);
  });

  it('is not asked about fewer finer codes than there are', () => {
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

describe('docs/troubleshooting.md', () => {
  it('tells what to do about every error code, and about no other', () => {
    const codes = readDocument('docs/troubleshooting.md').headings.flatMap((heading) => {
      const [, code] = /^`([a-z_]+)`$/.exec(heading) ?? [];
      return code ?? [];
    });
    expect(codes.sort()).toEqual(Object.keys(errorCodes).sort());
  });
});
