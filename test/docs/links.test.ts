import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { type Document, projectRoot, readDocuments } from './markdown';

const documents = readDocuments();
const readPackage = (folder: string) =>
  JSON.parse(readFileSync(join(projectRoot, folder, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
    version: string;
  };
const { scripts, version } = readPackage('');
const { scripts: scriptsOfExample } = readPackage('examples/vite-react');

describe('the documents', () => {
  it('exist', () => {
    expect(documents.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['README.md', 'docs/architecture.md', '.github/SECURITY.md']),
    );
  });

  it.each(documents.map((document): [string, Document] => [document.path, document]))(
    'have no broken link in %s',
    (_path, document) => {
      expect(document.links.filter((link) => !targetExists(document, link))).toEqual([]);
    },
  );

  it.each(documents.map((document): [string, Document] => [document.path, document]))(
    'name only existing npm scripts in %s',
    (_path, { text }) => {
      const named = [...text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map(([, script = '']) => script);
      expect(named.filter((script) => !(script in scripts) && !(script in scriptsOfExample))).toEqual([]);
    },
  );

  it('have what the doctor refers to', () => {
    const folder = join(projectRoot, 'src/doctor');
    const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8'));
    const named = texts.flatMap((text) => text.match(/docs\/[\w-]+\.md(?:#[\w-]+)?/g) ?? []);
    expect(named.length).toBeGreaterThan(8);
    const readme = documents.find(({ path }) => path === 'README.md');
    expect(named.filter((link) => !readme || !targetExists(readme, link))).toEqual([]);
  });

  it('name the version of the package first in the changelog', () => {
    const [, newest] =
      /^## (\S+)/m.exec(documents.find(({ path }) => path === 'CHANGELOG.md')?.text ?? '') ?? [];
    expect(newest).toBe(version);
  });

  it('are all reachable from the README', () => {
    const reached = new Set<string>();
    const waiting = ['README.md'];
    while (waiting.length > 0) {
      const from = waiting.pop() ?? '';
      if (reached.has(from)) continue;
      reached.add(from);
      const links = documents.find(({ path }) => path === from)?.links ?? [];
      waiting.push(...links.map((link) => targetOf(from, link).path));
    }
    const forGitHub = /^\.github\/(PULL_REQUEST_TEMPLATE)\.md$/;
    expect(
      documents.map(({ path }) => path).filter((path) => !reached.has(path) && !forGitHub.test(path)),
    ).toEqual([]);
  });
});

function targetExists(from: Document, link: string): boolean {
  if (/^(https|mailto):/.test(link)) return true;
  const { path, anchor } = targetOf(from.path, link);
  if (!existsSync(join(projectRoot, path))) return false;
  return anchor === undefined || Boolean(documents.find((each) => each.path === path)?.anchors.has(anchor));
}

function targetOf(from: string, link: string): { path: string; anchor: string | undefined } {
  const [file = '', anchor] = link.split('#');
  return { path: file === '' ? from : normalize(join(dirname(from), file)), anchor };
}
