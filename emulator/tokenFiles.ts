import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectCertificateFolder } from './certificates/certificateFolders';
import type { Emulator } from './emulator';

/** Tokens are valid for at least an hour, and are replaced long before they expire. */
const rewriteIntervalInMs = 20 * 60_000;

/** Request headers with tokens of seeded users, in files that curl reads: `curl -H "@<file>"`. */
export interface TokenFiles {
  readonly alice: string;
  readonly carol: string;
  /** Carol's Teams token. */
  readonly carolTeams: string;
  remove(): void;
}

/** Writes the files, readable by their owner only, and keeps their tokens valid until `remove`. */
export function writeTokenFiles(emulator: Emulator, folder = projectCertificateFolder()): TokenFiles {
  const headers = {
    alice: () => `Authorization: Bearer ${emulator.accessToken({ user: 'alice' })}`,
    carol: () => `Authorization: Bearer ${emulator.accessToken({ user: 'carol' })}`,
    'carol-teams': () => `teams-user-aad-token: ${emulator.teamsToken({ user: 'carol' })}`,
  };
  const fileOf = (name: string) => join(folder, name);
  const write = () => {
    for (const [name, header] of Object.entries(headers)) {
      // A new file each time, because the mode applies only when a file is created.
      rmSync(fileOf(name), { force: true });
      writeFileSync(fileOf(name), `${header()}\n`, { mode: 0o600, flag: 'wx' });
    }
  };
  write();
  const timer = setInterval(write, rewriteIntervalInMs);
  timer.unref();
  const shown = (name: string) => relative(process.cwd(), fileOf(name)).replaceAll('\\', '/');
  return {
    alice: shown('alice'),
    carol: shown('carol'),
    carolTeams: shown('carol-teams'),
    remove() {
      clearInterval(timer);
      for (const name of Object.keys(headers)) rmSync(fileOf(name), { force: true });
    },
  };
}
