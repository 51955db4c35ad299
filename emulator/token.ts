import { projectCertificateFolder } from './certificates/certificateFolders';
import { printToken } from './commands/printToken';
import { run } from './program';

/** `npm run token` */
run(() =>
  printToken(
    process.argv.slice(2),
    { token: 'npm run -s token --', serve: 'npm run emulator' },
    projectCertificateFolder(),
  ),
);
