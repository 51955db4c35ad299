import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

/** Unpacks a zip into a new folder. */
export function unzip(zipPath: string, folder: string): void {
  for (const [name, content] of Object.entries(unzipSync(readFileSync(zipPath)))) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}
