import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { zipSync } from 'fflate';

/** Paths of all files below a folder, with slashes, in an order that does not depend on the machine. */
export function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** In local time, in which zip stores times: the stored time is then the same in every time zone. */
const time = new Date(1980, 0, 1);
const unix = 3;
const readableFile = 0o100644 << 16;

/**
 * Writes a zip that depends on the names and contents of the files only. The compression is JavaScript of a pinned package, so that
 * Node's version does not matter either.
 */
export function writeZip(folder, zipPath) {
  const entries = listFiles(folder).map((file) => [file, readFileSync(join(folder, file))]);
  const zip = zipSync(Object.fromEntries(entries), { level: 9, mtime: time, os: unix, attrs: readableFile });
  writeFileSync(zipPath, zip);
}
