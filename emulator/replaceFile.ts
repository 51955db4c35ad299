import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file that only the user of the machine can read, atomically: after a crash there is the old file or the new one. */
export function replaceFile(file: string, content: string | Buffer): void {
  const temporaryFile = `${file}.${process.pid}`;
  writeFileSync(temporaryFile, content, { mode: 0o600 });
  renameSync(temporaryFile, file);
}
