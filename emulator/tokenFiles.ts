import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectCertificateFolder } from './certificates/certificateFolders';

/** Tokens are valid for at least an hour, and are replaced long before they expire. */
const rewriteIntervalInMs = 20 * 60_000;

/** Creates the content of a file each time that it is written, because its tokens expire. */
export type TokenFile = () => string;

/** Files for calling the server by hand: headers for curl (`curl -H "@<file>"`), requests for editors, settings. */
export interface TokenFiles<Name extends string> {
  /** As typed in the current folder. */
  readonly paths: Readonly<Record<Name, string>>;
  remove(): void;
}

/** Writes the files, readable by their owner only, and keeps their tokens valid until `remove`. */
export function writeTokenFiles<Name extends string>(
  contents: Readonly<Record<Name, TokenFile>>,
  folder = projectCertificateFolder(),
): TokenFiles<Name> {
  const names = Object.keys(contents) as Name[];
  const fileOf = (name: string) => join(folder, name);
  const write = () => {
    for (const name of names) {
      // A new file each time, because the mode applies only when a file is created.
      rmSync(fileOf(name), { force: true });
      writeFileSync(fileOf(name), `${contents[name]().trimEnd()}\n`, { mode: 0o600, flag: 'wx' });
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
