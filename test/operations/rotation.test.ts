import { randomBytes } from 'node:crypto';
import {
  azuriteStartTimeoutInMs,
  newTableName,
  openTableAccount,
  type TableAccount,
} from '../support/azurite';
import { startSystem, type System, type TestServer } from '../support/startSystem';
import { connectionString, settingsOf } from '../stores/storeSettings';
import { until } from '../support/until';

/** Every request uses the credential. */
const uncached = { TOKEN_REUSE_MINUTES: '0', IDENTITY_CACHE_MINUTES: '0', OBO_TOKEN_CACHE_SIZE: '1' };

interface Rotation {
  /** The settings of an instance with this credential. */
  settings(credential: string): Record<string, string>;
  credentials(system: System): { old: string; next: string };
  /** The service accepts both, … */
  addNext?(system: System, next: string): void;
  /** … then only the next one. */
  withdrawOld?(system: System, credentials: { old: string; next: string }): void;
}

let account: TableAccount;
beforeAll(async () => {
  account = await openTableAccount();
}, azuriteStartTimeoutInMs);
afterAll(() => account.stop());

const newKey = () => randomBytes(32).toString('base64');
const keyIn = (connection = '') => /accesskey=(.+)$/.exec(connection)?.[1] ?? '';
const tableName = newTableName();

const rotations: Record<string, Rotation> = {
  'the client secret': {
    settings: (secret) => ({ AZURE_CLIENT_SECRET: secret }),
    credentials: ({ emulator }) => ({ old: emulator.authServer.clientSecret, next: newKey() }),
    addNext: ({ emulator }, next) => void emulator.applications.addSecret('AuthServer', next),
    withdrawOld: ({ emulator }, { old }) => emulator.applications.withdrawSecret('AuthServer', old),
  },
  'the access key of Communication Services': {
    settings: (connection) => ({ COMMUNICATION_SERVICES_CONNECTION_STRING: connection }),
    credentials({ emulator }) {
      const old = emulator.communicationResource.connectionString;
      return { old, next: old.replace(keyIn(old), newKey()) };
    },
    addNext: ({ emulator }, next) => void emulator.switches.accessKeys.push(keyIn(next)),
    withdrawOld: ({ emulator }, { next }) => (emulator.switches.accessKeys = [keyIn(next)]),
  },
  // An account has two keys. Regenerating the unused one has no effect on the server.
  'the key of the table': {
    settings(accountKey) {
      const { accountName, endpoint } = account;
      return settingsOf('table', connectionString({ accountName, accountKey }, endpoint), tableName);
    },
    credentials: () => ({ old: account.accountKey, next: account.secondAccountKey }),
  },
};

describe.each(Object.entries(rotations))('%s', (_name, rotation) => {
  let system: System;
  afterEach(() => system.stop());

  it('is rotated from instance to instance without a lost request', async () => {
    system = await startSystem(uncached);
    const { emulator } = system;
    const { old, next } = rotation.credentials(system);
    const start = async (credential: string) => {
      const server = await system.startAnother(rotation.settings(credential));
      await until(async () => (await server.call('get', '/health/ready')).status === 200);
      return server;
    };
    let serving: TestServer = await start(old);
    const retiring = serving;
    const statuses: number[] = [];
    let running = true;
    const user = emulator.addUser();
    const getToken = (server: TestServer) =>
      server.call('get', '/getToken', emulator.accessToken({ user })).then(({ status }) => status);
    const call = async () => {
      while (running) statuses.push(await getToken(serving));
    };
    const load = [call(), call()];
    const untilMoreAreServed = async (count: number) => {
      const enough = statuses.length + count;
      await until(() => statuses.length >= enough);
    };

    await untilMoreAreServed(4);
    rotation.addNext?.(system, next);
    serving = await start(next);
    // By then, the requests of the retiring instance are complete.
    await untilMoreAreServed(6);
    rotation.withdrawOld?.(system, { old, next });
    await untilMoreAreServed(4);
    running = false;
    await Promise.all(load);

    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await getToken(retiring)).toBe(rotation.withdrawOld ? 502 : 200);
  });
});
