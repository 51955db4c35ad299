import { projectCertificateFolder } from './certificates/certificateFolders';
import { parseCommandLine } from './commandLine';
import { serve } from './commands/serve';
import { run } from './program';

/** `npm run emulator` */
run(() =>
  serve(
    parseCommandLine(process.argv.slice(2), process.env),
    { settings: 'the settings of .env.sample (cp .env.sample .env)', token: 'npm run -s token --' },
    projectCertificateFolder(),
  ),
);
