#!/usr/bin/env node
import { join } from 'node:path';
import { currentCertificateFolder } from './certificates/certificateFolders';
import { parseCommandLine } from './commandLine';
import { run } from './program';

const commands = { serve: 'npx --no-install acs-emulator', token: 'npx --no-install acs-emulator token' };

const usage = `usage:
  acs-emulator [--data <folder>] [--public-names]   runs the emulator, on port 8443 or EMULATOR_PORT
  acs-emulator token [--user alice] [--teams] …     prints an access token from the running emulator
  acs-emulator exec <command> [arguments]           runs a command that trusts the emulator's certificate
`;

/** The command of the package. Its certificates are in `.emulator` in the current folder. */
run(async () => {
  const [command, ...args] = process.argv.slice(2);
  const certificateFolder = currentCertificateFolder();
  switch (command) {
    case '--help':
      process.stdout.write(usage);
      return;
    case 'token': {
      const { printToken } = await import('./commands/printToken.js');
      return printToken(args, commands, certificateFolder);
    }
    case 'exec': {
      const { runTrusting } = await import('./commands/runTrusting.js');
      const packages = join(process.cwd(), 'node_modules', '.bin');
      return runTrusting('acs-emulator exec', args, { certificateFolder, packages });
    }
    default: {
      const { serve } = await import('./commands/serve.js');
      const texts = { settings: 'the settings below', token: commands.token };
      return serve(parseCommandLine(process.argv.slice(2), process.env), texts, certificateFolder);
    }
  }
});
