import { relative } from 'node:path';
import { parseCommandLine } from './commandLine';
import {
  explainPublicNames,
  listUsers,
  onStopSignal,
  run,
  startDevelopmentEmulator,
} from './developmentEmulator';
import { createStyle } from './terminal';

/** `npm run emulator`: the emulator alone, for a server that you start yourself. */
run(async () => {
  const { emulator, authorityFile } = await startDevelopmentEmulator(
    parseCommandLine(process.argv.slice(2), process.env),
  );
  onStopSignal(() => void emulator.stop());
  const { strong } = createStyle(process.stdout, process.env);
  const certificate = relative(process.cwd(), authorityFile).replaceAll('\\', '/');
  process.stdout.write(`
  Emulator of Entra ID, Microsoft Graph and ACS   ${strong(emulator.url)}

  Users
${listUsers(emulator)}
${explainPublicNames(emulator)}
  To use it, start a server with the settings of .env.sample (cp .env.sample .env),
  and with this in its environment, since Node.js does not read it from .env:
    NODE_EXTRA_CA_CERTS=${certificate}

  Its settings as JSON    curl --cacert ${certificate} ${emulator.url}/_emulator/settings
  What it can do          curl --cacert ${certificate} ${emulator.url}/_emulator/
  An access token         npm run -s token -- --user alice
  Ctrl-C stops it.
`);
});
