import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TableClient } from '@azure/data-tables';
import { azuriteStartTimeoutInMs, newTableName, startAzurite } from './azurite';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe('Azurite for the tests', () => {
  it(
    'keeps the rows of a stopped service in its folder, or loses those in memory',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'azurite-'));
      folders.push(folder);
      const rowsAfterRestart = async (options: { folder?: string }) => {
        const azurite = await startAzurite(options);
        const clientOptions = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
        const table = TableClient.fromConnectionString(
          azurite.connectionString,
          newTableName(),
          clientOptions,
        );
        await table.createTable();
        await table.createEntity({ partitionKey: 'p', rowKey: 'r', text: 'kept' });
        await azurite.stop();
        await azurite.start();
        try {
          return (await table.getEntity('p', 'r')).text;
        } catch (error) {
          return (error as { statusCode?: number }).statusCode;
        } finally {
          await azurite.stop();
        }
      };
      expect(await rowsAfterRestart({ folder })).toBe('kept');
      expect(await rowsAfterRestart({})).toBe(404);
    },
    azuriteStartTimeoutInMs,
  );
});
