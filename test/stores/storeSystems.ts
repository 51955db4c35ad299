import { TableClient, AzureNamedKeyCredential } from '@azure/data-tables';
import type { User } from '../../emulator/startEmulator';
import { newTableName, openTableAccount } from '../support/azurite';
import { startSystem, type System } from '../support/startSystem';
import { type FaultyProxy, startFaultyProxy } from './faultyProxy';
import { connectionString, settingsOf, type StoreName } from './storeSettings';

export type { StoreName } from './storeSettings';

export type StepFault = 'dropped' | 'replyLost' | 'throttled';

/** A system whose servers keep identities in one of the stores. */
export interface StoreSystem extends System {
  readonly settings: Record<string, string>;
  /** Present with tables: between the servers and their table service. */
  readonly proxy: FaultyProxy | undefined;
  /** The next call of this step fails: an operation of the emulator, or a method of the table service. */
  failStep(step: string, fault: StepFault): void;
  /** The upstream calls so far, by service. */
  callsByService(): Record<string, number>;
  /** The identities that the store has for its users. */
  mappedIds(): Promise<string[]>;
  /** Removes the table, as an operator might by mistake. */
  deleteTable(): Promise<void>;
}

export async function startStoreSystem(
  store: StoreName,
  more: Record<string, string> = {},
): Promise<StoreSystem> {
  const azurite = store.startsWith('table') ? await openTableAccount() : undefined;
  const proxy = azurite && (await startFaultyProxy(azurite.endpoint));
  const tableName = newTableName();
  const tables = azurite && proxy ? connectionString(azurite, `${proxy.origin}/${azurite.accountName}`) : '';
  const settings = { TOKEN_REUSE_MINUTES: '0', ...settingsOf(store, tables, tableName), ...more };
  const system = await startSystem(settings);
  const table =
    azurite &&
    new TableClient(
      azurite.endpoint,
      tableName,
      new AzureNamedKeyCredential(azurite.accountName, azurite.accountKey),
      { allowInsecureConnection: true },
    );

  return {
    ...system,
    settings,
    proxy,
    failStep(step, fault) {
      const operation = step;
      if (proxy && /^[A-Z]+$/.test(step)) proxy.fail(fault, step);
      else if (fault === 'throttled')
        system.emulator.fail({ operation, kind: 'status', status: 429, headers: { 'Retry-After': '1' } });
      else system.emulator.fail({ operation, kind: fault === 'dropped' ? 'drop' : 'replyLost' });
    },
    callsByService() {
      const counts: Record<string, number> = { entra: 0, graph: 0, acs: 0, table: 0 };
      for (const [operation, count] of Object.entries(system.emulator.calls())) {
        const service = operation.split('.')[0] ?? '';
        counts[service] = (counts[service] ?? 0) + count;
      }
      counts.table = Object.values(proxy?.calls() ?? {}).reduce((sum, count) => sum + count, 0);
      return counts;
    },
    async mappedIds() {
      if (store === 'graph')
        return system.emulator.mappings().map(({ extension }) => String(extension.acsUserIdentity));
      if (store === 'acs') {
        const used = system.emulator.identities().filter((one) => one.lastTokenIssuedAt !== undefined);
        return used.filter(({ customId }) => customId !== undefined).map(({ id }) => id);
      }
      const ids: string[] = [];
      for await (const row of table?.listEntities() ?? [])
        if (row.communicationUserId !== '') ids.push(String(row.communicationUserId));
      return ids;
    },
    async deleteTable() {
      await table?.deleteTable();
    },
    async stop() {
      await system.stop();
      await proxy?.stop();
      await azurite?.stop();
    },
  };
}

/** A user and their access token. */
export function newCaller({ emulator }: System): { user: User; token: string } {
  const user = emulator.addUser();
  return { user, token: emulator.accessToken({ user }) };
}
