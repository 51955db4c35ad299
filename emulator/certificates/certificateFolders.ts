import { join } from 'node:path';
import { projectRoot } from '../projectRoot';

const name = '.emulator';

/** Where this repository keeps the certificates, from whichever folder a program is started; git ignores it. */
export function projectCertificateFolder(): string {
  return join(projectRoot(), name);
}

/** Where the package keeps them: the folder of the project that uses it is the one that its commands run in. */
export function currentCertificateFolder(): string {
  return join(process.cwd(), name);
}
