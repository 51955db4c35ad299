import { TableClient } from '@azure/data-tables';
import type { FaultKind } from '../../emulator/http/faults';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import {
  azuriteStartTimeoutInMs,
  newTableName,
  openTableAccount,
  type TableAccount,
} from '../support/azurite';
import { type ProxyFault, startFaultyProxy } from '../stores/faultyProxy';
import { connectionString, settingsOf } from '../stores/storeSettings';
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

it.each<[string, ProxyFault]>([
  ['that does not get the change of a row', 'dropped'],
  ['whose responses to the change of a row are lost', 'replyLost'],
])('leaves no row behind in a table %s', async (_name, fault) => {
  const settings = tableSettings();
  const { endpoint, accountName } = account;
  const proxy = await startFaultyProxy(endpoint);
  proxy.fail(fault, 'PUT', 3);
  const { line } = await diagnose(emulator, {
    settings: {
      ...settings,
      TABLES_CONNECTION_STRING: connectionString(account, `${proxy.origin}/${accountName}`),
    },
  });
  await proxy.stop();
  expect(line('identity store: table')).toMatch(/^problem /);
  const table = TableClient.fromConnectionString(account.connectionString, settings.TABLES_NAME ?? '', {
    allowInsecureConnection: true,
  });
  const rows: unknown[] = [];
  for await (const row of table.listEntities()) rows.push(row);
  expect(rows).toEqual([]);
});

describe('with acs that fails', () => {
  const settings = settingsOf('acs', '', '');
  const check = 'identity store: acs (preview)';

  it.each<[string, FaultKind, RegExp]>([
    [
      'is unavailable',
      { kind: 'status', status: 503 },
      /^warning .* is unavailable or throttles requests \(ServiceUnavailable\) -> Try again later\.$/,
    ],
    [
      'throttles',
      { kind: 'status', status: 429 },
      /^warning .* is unavailable or throttles requests \(TooManyRequests\) -> Try again later\.$/,
    ],
    ['loses the connection', { kind: 'drop' }, /^problem .*: no response from /],
    [
      'has ended the preview',
      { kind: 'status', status: 400 },
      /^problem .* does not offer custom ids .*set IDENTITY_STORE=table or graph\.$/,
    ],
  ])('leaves no identity behind if it then %s', async (_name, fault, says) => {
    emulator.fail({ operation: 'acs.identity.create', after: 1, times: Infinity, ...fault });
    const { line } = await diagnose(emulator, { settings });
    expect(line(check)).toMatch(says);
    expect(emulator.identities()).toEqual([]);
  });

  it('names an identity that could not be deleted', async () => {
    emulator.fail({ operation: 'acs.identity.delete', kind: 'status', status: 503, times: Infinity });
    const { exitCode, lines } = await diagnose(emulator, { settings });
    const [{ id } = { id: '' }] = emulator.identities();
    expect(lines.filter((text) => text.includes(`${check}: `))).toEqual([
      `ok       ${check}: custom ids work: creating twice gave one identity`,
      expect.stringContaining(`warning  ${check}: the test identity ${id} could not be deleted -> `),
    ]);
    expect(exitCode).toBe(0);
  });
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
