import { relative } from 'node:path';
import type { CommandLine } from '../commandLine';
import { explainPublicNames, listUsers, startDevelopmentEmulator } from '../developmentEmulator';
import { onStopSignal } from '../program';
import { createStyle } from '../terminal';

export interface Texts {
  /** Where a server's settings are: completes the sentence "start a server with". */
  readonly settings: string;
  /** The command that prints an access token. */
  readonly token: string;
}

/** Runs the emulator alone, for a server that you start yourself, until the process is asked to stop. */
export async function serve(
  commandLine: CommandLine,
  texts: Texts,
  certificateFolder: string,
): Promise<void> {
  const { emulator, authorityFile } = await startDevelopmentEmulator(commandLine, certificateFolder);
  onStopSignal(() => void emulator.stop());
  const { strong } = createStyle(process.stdout, process.env);
  const certificate = relative(process.cwd(), authorityFile).replaceAll('\\', '/');
  process.stdout.write(`
  Emulator of Entra ID, Microsoft Graph and ACS   ${strong(emulator.url)}

  Users
${listUsers(emulator)}
${explainPublicNames(emulator)}
  To use it, start a server with ${texts.settings},
  and with this in its environment, since Node.js does not read it from .env:
    NODE_EXTRA_CA_CERTS=${certificate}

  Its settings as JSON    curl --cacert ${certificate} ${emulator.url}/_emulator/settings
  What it can do          curl --cacert ${certificate} ${emulator.url}/_emulator/
  An access token         ${texts.token} --user alice
  Ctrl-C stops it.
`);
}
