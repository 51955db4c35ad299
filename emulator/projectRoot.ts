import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of this repository, for code that runs from source (in tests) or built, from any current folder. */
export function projectRoot(): string {
  return findUpwards(__dirname);
}

function findUpwards(folder: string): string {
  // The emulator has its own package.json, which would end the search too early.
  const isRoot = existsSync(join(folder, 'emulator', 'package.json'));
  return isRoot || folder === dirname(folder) ? folder : findUpwards(dirname(folder));
}
