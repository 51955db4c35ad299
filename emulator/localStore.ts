import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalStoreName } from './commandLine';
import { projectRoot } from './projectRoot';

/** The identity store of `npm run local`, with the program that was started for it. */
export interface LocalStore {
  readonly name: LocalStoreName;
  readonly settings: Record<string, string>;
  /** Where the identities are stored, and which services are emulated for users of Microsoft Entra ID; for the first screen. */
  readonly identityLocation: string;
  readonly description: string;
  stop(): void;
}

export async function startLocalStore(name: LocalStoreName): Promise<LocalStore> {
  const settings = { IDENTITY_STORE: name };
  const stop = (): void => undefined;
  switch (name) {
    case 'graph':
      return {
        ...{ name, settings, stop, identityLocation: 'stored in Microsoft Graph' },
        description: 'Entra ID, Microsoft Graph and ACS',
      };
    case 'acs':
      return {
        ...{ name, settings, stop, identityLocation: 'stored in Communication Services' },
        description: 'Entra ID and ACS; identities in ACS',
      };
    case 'table': {
      const { connectionString, child } = await startAzurite();
      return {
        name,
        settings: { ...settings, TABLES_CONNECTION_STRING: connectionString },
        identityLocation: 'stored in a table of Azurite',
        description: 'Entra ID and ACS; identities in Azurite',
        stop: () => void child.kill('SIGKILL'),
      };
    }
  }
}

/** Azurite's Table service on a free port, with rows in memory and its own key; installed at the first start. */
async function startAzurite(): Promise<{ connectionString: string; child: ChildProcess }> {
  const folder = join(projectRoot(), 'tools', 'azurite');
  const installer = spawn(process.execPath, [join(folder, 'install.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(installer, 'close')) as [number | null];
  if (code !== 0) throw new Error('Azurite could not be installed into tools/azurite.');

  const [account, key, port] = ['local', randomBytes(64).toString('base64'), await freePort()];
  const child = spawn(
    process.execPath,
    [
      join(folder, 'node_modules', 'azurite', 'dist', 'src', 'table', 'main.js'),
      ...['--tableHost', '127.0.0.1', '--tablePort', String(port), '--inMemoryPersistence'],
      ...['--skipApiVersionCheck', '--disableProductStyleUrl', '--disableTelemetry', '--silent'],
    ],
    {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH, AZURITE_ACCOUNTS: `${account}:${key}` },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('Azurite did not start.')));
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('successfully started')) resolve();
    });
  });
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  return { connectionString: `AccountName=${account};AccountKey=${key};TableEndpoint=${endpoint};`, child };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
