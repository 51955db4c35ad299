import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of this repository, whether this runs from its source (in tests) or built, and from wherever. */
export function projectRoot(): string {
  return findUpwards(__dirname);
}

function findUpwards(folder: string): string {
  // The emulator has a package.json of its own, so that name alone would end the search too early.
  const isRoot = existsSync(join(folder, 'emulator', 'package.json'));
  return isRoot || folder === dirname(folder) ? folder : findUpwards(dirname(folder));
}
