import type { CommandLine } from './commandLine';
import { isTaken, portFrom, portTaken } from './program';
import { developmentMappingKey, developmentPort } from './seed';
import { type Emulator, startEmulator } from './startEmulator';

export interface DevelopmentEmulator {
  emulator: Emulator;
  /** To be named in NODE_EXTRA_CA_CERTS, or after curl's --cacert; with public names, one that covers these too. */
  authorityFile: string;
}

/** The emulator that a person uses: on its fixed port, with the settings that `.env.sample` carries. */
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
    throw isTaken(error) ? new Error(portTaken(port, 'EMULATOR_PORT')) : error;
  }
}

/** How to reach the public names, for those who asked for them. */
export function explainPublicNames({ publicNames, url }: Emulator): string {
  if (!publicNames) return '';
  return `
  It also answers as login.microsoftonline.com, login.windows.net, sts.windows.net,
  graph.microsoft.com and <any>.communication.azure.com, for a client whose look-ups of
  these names end here: port 443 of the name must lead to ${new URL(url).host}.
`;
}

export function listUsers(emulator: Emulator): string {
  const lines = Object.values(emulator.users).map((user) => {
    const license = user.teamsLicence ? '  Teams license' : '';
    return `    ${user.userPrincipalName.padEnd(24)}${user.objectId}${license}`;
  });
  return lines.join('\n');
}
