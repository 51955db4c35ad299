import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { until } from '../support/until';
import { callAcs } from './acsRequest';

let dataFolder: string;
beforeEach(async () => void (dataFolder = await mkdtemp(join(tmpdir(), 'emulator-data-'))));
afterEach(() => rm(dataFolder, { recursive: true }));

const fileOf = (): string => join(dataFolder, 'emulator-state.json');

async function withEmulator<T>(work: (emulator: Emulator) => Promise<T> | T, folder = true): Promise<T> {
  const emulator = await startEmulator(folder ? { dataFolder } : {});
  try {
    return await work(emulator);
  } finally {
    await emulator.stop();
  }
}

const mappingOf = (userObjectId: string) => ({
  userObjectId,
  extension: {
    '@odata.type': '#microsoft.graph.openTypeExtension',
    extensionName: 'com.contoso.identityMapping',
    id: 'com.contoso.identityMapping',
    acsUserIdentity: '8:acs:1_2',
  },
});

test('users, mappings and identities survive a restart', async () => {
  const create = (emulator: Emulator) =>
    callAcs(emulator, {
      path: '/identities',
      body: { customId: 'alice', createTokenWithScopes: ['chat'] },
      apiVersion: '2025-03-02-preview',
    });
  const before = await withEmulator(async (emulator) => {
    const user = emulator.addUser('Dora Dean');
    emulator.setExtension(user.objectId, mappingOf(user.objectId).extension);
    await create(emulator);
    emulator.createIdentity();
    return { user, identities: emulator.identities(), mappings: emulator.mappings() };
  });

  await withEmulator(async (emulator) => {
    expect(emulator.mappings()).toEqual([mappingOf(before.user.objectId)]);
    expect(emulator.mappings()).toEqual(before.mappings);
    expect(emulator.identities()).toEqual(before.identities);
    expect(emulator.accessToken({ user: 'dora.dean' })).toBeDefined();
    await create(emulator);
    expect(emulator.identities()).toHaveLength(2);
  });
});

test('a change is saved soon after it, readable only by its owner, and leaves no other file', async () => {
  await withEmulator(async (emulator) => {
    await callAcs(emulator, { path: '/identities' });
    const [identity] = emulator.identities();
    await until(async () => (await readFile(fileOf(), 'utf8').catch(() => '')).includes(identity?.id ?? '-'));

    if (process.platform !== 'win32') expect((await stat(fileOf())).mode & 0o777).toBe(0o600);
    expect(await readdir(dataFolder)).toEqual(['emulator-state.json']);
  });
});

test.each([
  ['no JSON', '{"version":1', 'it is not JSON'],
  ['of another form', '{"version":2}', 'version'],
])('a saved state that is %s stops the start', async (_name, text, reason) => {
  await writeFile(fileOf(), text);

  const start = startEmulator({ dataFolder });
  await expect(start).rejects.toThrow(fileOf());
  await expect(start).rejects.toThrow(reason);
  expect(await readFile(fileOf(), 'utf8')).toBe(text);
});

test('without the option nothing is written or kept', async () => {
  await withEmulator((emulator) => void emulator.createIdentity(), false);

  expect(await readdir(dataFolder)).toEqual([]);
  await withEmulator((emulator) => expect(emulator.identities()).toEqual([]), false);
});
