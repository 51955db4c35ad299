import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file at the root of the project or the package: above the sources, the built files and the bundle, which differ in depth. */
export function findProjectFile(name: string, folder = __dirname): string {
  const file = join(folder, name);
  if (existsSync(file)) return file;
  if (dirname(folder) === folder) throw new Error(`${name} is missing: it belongs in the project root`);
  return findProjectFile(name, dirname(folder));
}
