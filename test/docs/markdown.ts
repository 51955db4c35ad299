import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const projectRoot = join(__dirname, '..', '..');

export interface CodeBlock {
  /** The text after the opening fence, for example `sh runnable`. */
  readonly info: string;
  readonly text: string;
}

/** The parts of a document that the tests use. */
export interface Document {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly codeBlocks: readonly CodeBlock[];
  /** The targets of links and images. */
  readonly links: readonly string[];
  /** The anchors of the headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
  readonly headings: readonly string[];
}

/** All Markdown files for readers. */
export function readDocuments(): Document[] {
  const folders = ['docs', '.github', 'bench', 'emulator'].map((folder) => join(projectRoot, folder));
  const inFolders = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    );
  const ofExample = join(projectRoot, 'examples', 'vite-react', 'README.md');
  const atTop = readdirSync(projectRoot).map((file) => join(projectRoot, file));
  return [...atTop, ...inFolders, ofExample]
    .filter((file) => file.endsWith('.md'))
    .map((file) => readDocument(relative(projectRoot, file)));
}

export function readDocument(path: string): Document {
  const text = readFileSync(join(projectRoot, path), 'utf8');
  const codeBlocks = [...text.matchAll(fencedBlock)].map(([, indent = '', , info = '', code = '']) => ({
    info: info.trim(),
    text: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
  const prose = text.replaceAll(fencedBlock, '');
  const headings = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  const linked = prose.replaceAll(/`[^`\n]*`/g, 'code');
  return {
    path,
    text,
    codeBlocks,
    headings,
    links: [...linked.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target),
    anchors: new Set(anchorsOf(headings)),
  };
}

const fencedBlock = /^([ >]*)(`{3,})([^\n`]*)\n(.*?)^\1\2$\n?/gms;

/** Letters, digits, hyphens and underscores stay, spaces become hyphens; a second one of a name gets a number. */
function anchorsOf(headings: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return headings.map((heading) => {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

/** The rows of a document's tables that begin with a name in code, by that name. */
export function tableRows({ text }: Document): Map<string, string> {
  return new Map(
    [...text.matchAll(/^\| `([\w.-]+)` +\|(.*)\|$/gm)].map(([, name = '', rest = '']) => [name, rest]),
  );
}
