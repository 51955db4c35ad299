import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';

const certificateFolder = mkdtempSync(join(tmpdir(), 'key-pairs-'));
const keyFolder = join(certificateFolder, 'keys');
afterAll(() => rmSync(certificateFolder, { recursive: true }));

async function withEmulator<T>(work: (emulator: Emulator) => T, folder = certificateFolder): Promise<T> {
  const emulator = await startEmulator({ certificateFolder: folder });
  try {
    return work(emulator);
  } finally {
    await emulator.stop();
  }
}

const keyIdOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;
const currentKeyId = () => withEmulator((emulator) => keyIdOf(emulator.accessToken()));

it('an emulator signs with the same key after a restart, so that tokens stay valid', async () => {
  expect(await currentKeyId()).toBe(await currentKeyId());
});

it('only the user of the machine can read the keys', async () => {
  await currentKeyId();
  const files = readdirSync(keyFolder).map((file) => join(keyFolder, file));
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('a rotated key is not kept', async () => {
  const before = await currentKeyId();
  const rotated = await withEmulator((emulator) => {
    emulator.rotateKeys();
    return keyIdOf(emulator.accessToken());
  });
  expect(rotated).not.toBe(before);
  expect(await currentKeyId()).toBe(before);
});

it('emulators with different folders share no key, not even the one that no service publishes', async () => {
  const unpublished = (emulator: Emulator) => keyIdOf(emulator.accessToken({ defect: 'unknown_key' }));
  const other = mkdtempSync(join(tmpdir(), 'key-pairs-'));
  try {
    expect(await withEmulator(unpublished, other)).not.toBe(await withEmulator(unpublished));
  } finally {
    rmSync(other, { recursive: true });
  }
});

it('a damaged file is replaced', async () => {
  const before = await currentKeyId();
  writeFileSync(join(keyFolder, 'signing.pem'), 'damaged');
  const after = await currentKeyId();
  expect(after).not.toBe(before);
  expect(await currentKeyId()).toBe(after);
});
