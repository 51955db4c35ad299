import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import {
  azuriteStartTimeoutInMs,
  newTableName,
  openTableAccount,
  type TableAccount,
} from '../support/azurite';
import { settingsOf } from '../stores/storeSettings';
import { diagnose } from './diagnose';

let emulator: Emulator;
let account: TableAccount;
beforeAll(async () => {
  emulator = await startEmulator();
  account = await openTableAccount();
}, azuriteStartTimeoutInMs);
afterEach(() => emulator.reset());
afterAll(async () => {
  await emulator.stop();
  await account.stop();
});

const tableSettings = () => settingsOf('table', account.connectionString, newTableName());

it('with a table, checks the table and nothing that is not needed', async () => {
  const { exitCode, lines, line } = await diagnose(emulator, { settings: tableSettings() });
  expect({ exitCode, others: lines.filter((text) => !text.startsWith('ok ')) }).toEqual({
    exitCode: 0,
    others: ['No problem.'],
  });
  expect(line('identity store: table')).toMatch(/writes are conditional/);
  expect(lines.join('\n')).not.toMatch(/client secret|Microsoft Graph|mapping key|open extension/);
  expect(Object.keys(emulator.calls()).filter((operation) => /graph|token/.test(operation))).toEqual([
    'acs.token.issue',
  ]);
});

it('with acs, checks custom ids and leaves nothing behind', async () => {
  const { exitCode, line, lines } = await diagnose(emulator, { settings: settingsOf('acs', '', '') });
  expect(exitCode).toBe(0);
  expect(line('identity store: acs (preview)')).toMatch(/^ok .*creating twice gave one identity/);
  expect(lines.join('\n')).not.toMatch(/client secret|Microsoft Graph|open extension/);
  expect(emulator.identities()).toEqual([]);
});

it.each([
  [
    'a key of another account',
    () => ({
      ...tableSettings(),
      TABLES_CONNECTION_STRING: account.connectionString.replace(
        account.accountKey,
        Buffer.alloc(64, 'another key').toString('base64'),
      ),
    }),
    /^problem identity store: table: .*does not accept the account key.*Access keys/,
  ],
  [
    'a service that cannot be reached',
    () => ({
      ...tableSettings(),
      TABLES_CONNECTION_STRING: account.connectionString.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'),
    }),
    /^problem identity store: table: nothing listens.*TABLES_CONNECTION_STRING/,
  ],
])('explains %s', async (_, settings, says) => {
  const { exitCode, line } = await diagnose(emulator, { settings: settings() });
  expect(exitCode).toBe(1);
  expect(line('identity store: table')).toMatch(says);
});

it('checks the managed identity for the table only where the server runs', async () => {
  const { exitCode, line } = await diagnose(emulator, {
    settings: { ...tableSettings(), TABLES_CONNECTION_STRING: '', TABLES_ENDPOINT: 'https://localhost:1' },
  });
  expect(exitCode).toBe(0);
  expect(line('identity store: table')).toMatch(
    /^skipped .*: the managed identity can be checked only where the server runs/,
  );
});
