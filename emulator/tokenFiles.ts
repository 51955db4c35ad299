import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectCertificateFolder } from './certificates/certificateFolders';

/** Tokens are valid for at least an hour, and are replaced long before they expire. */
const rewriteIntervalInMs = 20 * 60_000;

/** A request header with a token, or other text, made again each time that the file is written. */
export type TokenHeader = () => string;

/** Request headers with tokens of seeded users, in files that curl reads: `curl -H "@<file>"`. */
export interface TokenFiles<Name extends string> {
  /** As to be typed in the current folder. */
  readonly paths: Readonly<Record<Name, string>>;
  remove(): void;
}

/** Writes the files, readable by their owner only, and keeps their tokens valid until `remove`. */
export function writeTokenFiles<Name extends string>(
  headers: Readonly<Record<Name, TokenHeader>>,
  folder = projectCertificateFolder(),
): TokenFiles<Name> {
  const names = Object.keys(headers) as Name[];
  const fileOf = (name: string) => join(folder, name);
  const write = () => {
    for (const name of names) {
      // A new file each time, because the mode applies only when a file is created.
      rmSync(fileOf(name), { force: true });
      writeFileSync(fileOf(name), `${headers[name]()}\n`, { mode: 0o600, flag: 'wx' });
    }
  };
  write();
  const timer = setInterval(write, rewriteIntervalInMs);
  timer.unref();
  const shown = (name: string) => relative(process.cwd(), fileOf(name)).replaceAll('\\', '/');
  return {
    paths: Object.fromEntries(names.map((name) => [name, shown(name)])) as Record<Name, string>,
    remove() {
      clearInterval(timer);
      for (const name of names) rmSync(fileOf(name), { force: true });
    },
  };
}
