import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const root = join(__dirname, '../..');

/** The project's own modules that a file imports; types count, too. */
function importsOf(file: string): string[] {
  return ts
    .preProcessFile(readFileSync(file, 'utf8'))
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => join(dirname(file), `${fileName.replace(/\.js$/, '')}.ts`))
    .filter((imported) => existsSync(imported));
}

/** The modules of a cycle that can be reached from here, if there is one. */
function findCycle(
  imports: ReadonlyMap<string, readonly string[]>,
  file: string,
  path: readonly string[],
  checked: Set<string>,
): string[] | undefined {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (checked.has(file)) return undefined;
  for (const imported of imports.get(file) ?? []) {
    const cycle = findCycle(imports, imported, [...path, file], checked);
    if (cycle) return cycle;
  }
  checked.add(file);
  return undefined;
}

it.each([
  ['src', 150],
  ['emulator', 80],
  ['simulation', 10],
  ['bench', 25],
  ['playground', 20],
])('no modules in %s import each other in a circle', (folder, minimum) => {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, folder, name));
  expect(files.length).toBeGreaterThan(minimum);
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  expect([...imports.values()].flat().length).toBeGreaterThan(minimum);
  const checked = new Set<string>();
  for (const file of files) expect(findCycle(imports, file, [], checked)).toBeUndefined();
});
