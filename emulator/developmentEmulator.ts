import type { CommandLine } from './commandLine';
import { errorCode } from './errorCode';
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

export function portFrom(variable: string, defaultPort: number): number {
  const text = process.env[variable] ?? '';
  if (text === '') return defaultPort;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Error(`${variable} must be a port number, 1 to 65535, not "${text}"`);
}

export function isTaken(error: unknown): boolean {
  return errorCode(error) === 'EADDRINUSE';
}

export function portTaken(port: number, variable: string): string {
  return `Port ${port} is taken by another process. Stop that one, or set ${variable} to a free port.`;
}

export function listUsers(emulator: Emulator): string {
  const lines = Object.values(emulator.users).map((user) => {
    const license = user.teamsLicence ? '  Teams license' : '';
    return `    ${user.userPrincipalName.padEnd(24)}${user.objectId}${license}`;
  });
  return lines.join('\n');
}

/** Runs a program's main function; what it throws is one line, and exit code 1. */
export function run(main: () => Promise<void>): void {
  const started = Promise.resolve().then(main);
  started.catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'unknown failure'}\n`);
    process.exit(1);
  });
}

/** Calls back once, when the process is asked to end. */
export function onStopSignal(stop: () => void): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!stopping) stop();
      stopping = true;
    });
  }
}
