import { join } from 'node:path';
import { projectRoot } from '../projectRoot';

const name = '.emulator';

/** Where this repository keeps the certificates, regardless of the current folder. Git ignores it. */
export function projectCertificateFolder(): string {
  return join(projectRoot(), name);
}

/** Where the package keeps them: its commands run in the folder of the project that uses it. */
export function currentCertificateFolder(): string {
  return join(process.cwd(), name);
}
