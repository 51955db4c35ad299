import { join } from 'node:path';
import { projectCertificateFolder } from './certificates/certificateFolders';
import { runTrusting } from './commands/runTrusting';
import { run } from './program';
import { projectRoot } from './projectRoot';

/** Runs a command that trusts the emulator's certificate, for the scripts of package.json. */
run(() =>
  runTrusting('withLocalCa', process.argv.slice(2), {
    certificateFolder: projectCertificateFolder(),
    packages: join(projectRoot(), 'node_modules', '.bin'),
  }),
);
