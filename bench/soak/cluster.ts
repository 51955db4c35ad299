import { AzureNamedKeyCredential, TableClient } from '@azure/data-tables';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { type FaultyProxy, startFaultyProxy } from '../../test/stores/faultyProxy';
import { connectionString, settingsOf } from '../../test/stores/storeSettings';
import { type Azurite, newTableName, startAzurite } from '../../test/support/azurite';
import { type ServerProcess, startServerProcess } from '../../test/support/serverProcess';
import type { SoakStore } from './options';

/** An entry of the store. */
export interface Entry {
  readonly communicationUserId: string;
  /** Its deletion has begun: the next request of the user completes it. */
  readonly pendingDeletion: boolean;
}

/** Two servers in processes of their own, as in production, on the same upstreams. */
export interface Cluster {
  readonly emulator: Emulator;
  /** Between the servers and their table service. */
  readonly proxy: FaultyProxy | undefined;
  readonly servers: readonly ServerProcess[];
  /** Kills a server without warning and starts it again. */
  killAndRestart(index: number): Promise<void>;
  /** The content of the store, read from the service itself. */
  entries(): Promise<Entry[]>;
  stop(): Promise<void>;
}

export async function startCluster(store: SoakStore): Promise<Cluster> {
  const emulator = await startEmulator();
  emulator.switches.cheapSignatures = true;
  const azurite = store === 'table' ? await startAzurite() : undefined;
  const proxy = azurite && (await startFaultyProxy(azurite.endpoint));
  const tableName = newTableName();
  const tables = azurite && proxy ? connectionString(azurite, `${proxy.origin}/${azurite.accountName}`) : '';
  const settings = {
    ...emulator.settings(),
    NODE_ENV: 'production',
    LOG_LEVEL: 'fatal',
    RATE_LIMIT_USER: '0',
    RATE_LIMIT_REJECTED: '0',
    OVERLOAD_WAIT_MS: '0',
    // With several instances, a reused token may be for an identity that another instance has deleted: docs/known-issues.md.
    TOKEN_REUSE_MINUTES: '0',
    ...settingsOf(store, tables, tableName),
  };
  const start = () => startServerProcess(settings);
  const servers = await Promise.all([start(), start()]);
  const table = azurite && openTable(azurite, tableName);

  return {
    emulator,
    proxy,
    servers,
    async killAndRestart(index) {
      await servers[index]?.stop('SIGKILL');
      servers[index] = await start();
    },
    async entries() {
      switch (store) {
        case 'graph':
          return emulator.mappings().map(({ extension }) => ({
            communicationUserId: String(extension.acsUserIdentity),
            pendingDeletion: extension.deletion !== undefined,
          }));
        case 'acs':
          return emulator
            .identities()
            .filter(({ customId }) => customId !== undefined)
            .map(({ id }) => ({ communicationUserId: id, pendingDeletion: false }));
        case 'table':
          return table ? rowsOf(table) : [];
      }
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop('SIGKILL')));
      await proxy?.stop();
      await azurite?.stop();
      await emulator.stop();
    },
  };
}

function openTable({ endpoint, accountName, accountKey }: Azurite, tableName: string): TableClient {
  const credential = new AzureNamedKeyCredential(accountName, accountKey);
  return new TableClient(endpoint, tableName, credential, { allowInsecureConnection: true });
}

async function rowsOf(table: TableClient): Promise<Entry[]> {
  const rows: Entry[] = [];
  for await (const { communicationUserId, pendingDeletion } of table.listEntities()) {
    // A reserved row maps nothing.
    if (communicationUserId === '') continue;
    rows.push({
      communicationUserId: String(communicationUserId),
      pendingDeletion: pendingDeletion === true,
    });
  }
  return rows;
}
