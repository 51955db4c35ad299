import type { CommandLine } from './commandLine';
import { isPortInUse, portFrom, portInUseMessage } from './program';
import { developmentMappingKey, developmentPort } from './seed';
import { type Emulator, startEmulator } from './startEmulator';

export interface DevelopmentEmulator {
  emulator: Emulator;
  /** For NODE_EXTRA_CA_CERTS or curl's --cacert. With public names, the file covers these too. */
  authorityFile: string;
}

/** The emulator for development: on its fixed port, with the settings of `.env.sample`. */
export async function startDevelopmentEmulator(
  { dataFolder, publicNames }: CommandLine,
  certificateFolder: string,
): Promise<DevelopmentEmulator> {
  const port = portFrom('EMULATOR_PORT', developmentPort);
  const options = {
    port,
    certificateFolder,
    mappingKey: developmentMappingKey,
    publicNames,
    ...(dataFolder === undefined ? {} : { dataFolder }),
  };
  try {
    const emulator = await startEmulator(options);
    return { emulator, authorityFile: emulator.publicNames?.trustFile ?? emulator.authorityFile };
  } catch (error) {
    throw isPortInUse(error) ? new Error(portInUseMessage(port, 'EMULATOR_PORT')) : error;
  }
}

/** How to reach the public names, if they are enabled. */
export function explainPublicNames({ publicNames, url }: Emulator): string {
  if (!publicNames) return '';
  return `
  It also responds as login.microsoftonline.com, login.windows.net, sts.windows.net,
  graph.microsoft.com and <any>.communication.azure.com, for a client that resolves
  these names to this machine: port 443 must be forwarded to ${new URL(url).host}.
`;
}

export function listUsers(emulator: Emulator): string {
  const lines = Object.values(emulator.users).map((user) => {
    const license = user.teamsLicence ? '  Teams license' : '';
    return `    ${user.userPrincipalName.padEnd(24)}${user.objectId}${license}`;
  });
  return lines.join('\n');
}
