import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { developmentMappingKey } from '../../emulator/seed';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { startServer, type TestServer } from '../support/startSystem';
import { projectRoot, readDocuments } from './markdown';

const runnable = readDocuments().flatMap(({ path, codeBlocks }) =>
  codeBlocks
    .filter(({ info }) => /^(sh|bash) runnable$/.test(info))
    .map(({ text }): [string, string, string] => [path, text.split('\n')[0] ?? '', text]),
);

let emulator: Emulator;
let server: TestServer;
let folder: string;

beforeAll(async () => {
  emulator = await startEmulator({ mappingKey: developmentMappingKey });
  const sample = await readFile(join(projectRoot, '.env.sample'), 'utf8');
  server = await startServer(parse(withEmulatorUrl(sample)));
  // A copy by links: commands find every file, and what they write does not change the real folder.
  folder = await mkdtemp(join(tmpdir(), 'documents-'));
  for (const entry of await readdir(projectRoot)) {
    if (entry !== '.git' && entry !== '.env') await symlink(join(projectRoot, entry), join(folder, entry));
  }
});
beforeEach(() => emulator.reset());
afterAll(async () => {
  await server.stop();
  await emulator.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('commands marked as runnable in the documents', () => {
  it('exist', () => expect(runnable.length).toBeGreaterThanOrEqual(5));

  it.each(runnable)('run: %s: %s', async (_path, _firstLine, text) => {
    const script = withEmulatorUrl(text).replaceAll('http://localhost:3000', server.url);
    expect(await run(script)).toMatchObject({ code: 0 });
  });
});

/** The documents use the default port, which may be in use here. */
function withEmulatorUrl(text: string): string {
  return text.replaceAll('https://localhost:8443', emulator.url);
}

function run(script: string): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, EMULATOR_PORT: new URL(emulator.url).port };
  return new Promise((resolve) => {
    const child = execFile(
      'bash',
      ['-euo', 'pipefail', '-c', script],
      { cwd: folder, env },
      (_error, out, err) => resolve({ code: child.exitCode, output: out + err }),
    );
  });
}
