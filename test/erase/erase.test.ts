import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { runErase } from '../../src/erase/erase';
import { startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';

let system: System;
let folder: string;
beforeAll(async () => {
  system = await startReadySystem({ IDENTITY_STORE: 'acs' });
  folder = mkdtempSync(join(tmpdir(), 'erase-'));
});
afterEach(() => system.emulator.reset());
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await system.stop();
});

const existingIds = () => system.emulator.identities().map(({ id }) => id);

async function newUser() {
  const user = system.emulator.addUser();
  const token = system.emulator.accessToken({ user });
  const { body } = await system.call('get', '/api/token', token).expect(200);
  return { objectId: user.objectId, id: body.user.communicationUserId as string };
}

function fileOf(text: string | Buffer): string {
  const file = join(folder, 'users.txt');
  writeFileSync(file, text);
  return file;
}

async function erase(args: string[], settings: Record<string, string> = {}) {
  const [out, log]: [string[], string[]] = [[], []];
  const environment = { ...system.emulator.settings(), IDENTITY_STORE: 'acs', ...settings };
  const exitCode = await runErase({
    args,
    environment,
    operator: 'olga',
    out: { write: (text) => out.push(text) },
    log: { write: (text) => log.push(text) },
  });
  return { exitCode, out: out.join(''), log: log.join('') };
}

const auditsOf = (log: string) =>
  log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ message }) => message === 'audit');

describe('npm run erase', () => {
  it('erases one user, again without effect, and leaves an audit line', async () => {
    const { objectId, id } = await newUser();
    for (let run = 1; run <= 2; run += 1) {
      const { exitCode, out, log } = await erase(['--user', objectId]);
      expect({ exitCode, out }).toEqual({ exitCode: 0, out: `erased ${objectId}\n` });
      expect(auditsOf(log)).toMatchObject([
        { audit: 'erase user', outcome: 'done', administrator: 'olga', user: objectId },
      ]);
    }
    expect(existingIds()).not.toContain(id);
  });

  it('erases the users of a file, reports each, and continues after a failure', async () => {
    const users = [await newUser(), await newUser(), await newUser()];
    const kept = await newUser();
    const lines = users.map(({ objectId }) => objectId);
    const text = `# left in May\n${lines[0] ?? ''}\r\n\nnobody@contoso.example\n${lines[1] ?? ''} # Bob\n${lines[2] ?? ''}\n`;
    const { exitCode, out, log } = await erase(['--file', fileOf(text)]);
    expect(exitCode).toBe(1);
    const outcomes = auditsOf(log).map(({ outcome, user, error }) => [outcome, user, error]);
    expect(outcomes.sort()).toEqual(
      [
        ...lines.map((line) => ['done', line, undefined]),
        ['refused', '[redacted]', 'invalid_request'],
      ].sort(),
    );
    expect(out.trim().split('\n').sort()).toEqual(
      [
        ...lines.map((line) => `erased ${line}`),
        'failed nobody@contoso.example: not the id of a user of entra',
      ].sort(),
    );
    expect(existingIds()).toEqual([kept.id]);
  });

  it('takes a # within an id as part of it, not as the start of a comment', async () => {
    const { objectId } = await newUser();
    const file = fileOf(`${objectId}#1\n${objectId}#2 # Bob\n`);
    const { exitCode, out } = await erase(['--file', file]);
    expect({ exitCode, lines: out.trim().split('\n').sort() }).toEqual({
      exitCode: 1,
      lines: [`${objectId}#1`, `${objectId}#2`].map((id) => `failed ${id}: not the id of a user of entra`),
    });
    expect(existingIds()).toHaveLength(1);
  });

  it('reads a file in UTF-16, as Windows PowerShell writes it', async () => {
    const { objectId } = await newUser();
    const file = fileOf(Buffer.from(`\ufeff${objectId}\r\n`, 'utf16le'));
    expect(await erase(['--file', file])).toMatchObject({ exitCode: 0, out: `erased ${objectId}\n` });
  });

  it('waits where a service throttles, and reports what cannot be erased', async () => {
    const [first, second] = [await newUser(), await newUser()];
    const operation = 'acs.identity.create';
    system.emulator.fail({
      operation,
      kind: 'status',
      status: 429,
      headers: { 'Retry-After': '1' },
      times: 3,
    });
    expect(await erase(['--user', first.objectId])).toMatchObject({ exitCode: 0 });
    system.emulator.fail({ operation, kind: 'status', status: 401 });
    const { exitCode, out } = await erase(['--user', second.objectId]);
    expect(exitCode).toBe(1);
    expect(out).toMatch(new RegExp(`^failed ${second.objectId}: upstream_refused: .+\\n$`));
    expect(existingIds()).toEqual([second.id]);
  });

  it('runs as a user without a name, as in a container', async () => {
    const nameless = join(folder, 'nameless.cjs');
    writeFileSync(nameless, "require('node:os').userInfo = () => { throw new Error('no name'); };");
    const { objectId } = await newUser();
    const command = resolve(__dirname, '../../dist/erase/main.js');
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--require', nameless, command, '--user', objectId],
      {
        cwd: folder,
        env: {
          NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS,
          ...system.emulator.settings(),
          IDENTITY_STORE: 'acs',
        },
      },
    );
    expect(stdout).toBe(`erased ${objectId}\n`);
    expect(auditsOf(stderr)).toMatchObject([{ administrator: expect.stringMatching(/^user id \d+$/) }]);
  });

  it('requires the provider if there are several', async () => {
    const { externalId } = system.emulator;
    const settings = { ...externalId.settings(), IDENTITY_PROVIDER: 'entra,external_id' };
    const user = system.emulator.addUser();
    const server = await system.startAnother(settings);
    const ofExternalId = externalId.accessToken({ user });
    await server.call('get', '/api/token', ofExternalId).expect(200);
    const ofEntra = await server.call('get', '/api/token', system.emulator.accessToken({ user })).expect(200);

    expect(await erase(['--user', user.objectId], settings)).toMatchObject({
      exitCode: 2,
      log: expect.stringContaining('entra, external_id'),
    });
    const args = ['--provider', 'external_id', '--user', user.objectId];
    expect(await erase(args, settings)).toMatchObject({ exitCode: 0 });
    expect(existingIds()).toEqual([ofEntra.body.user.communicationUserId]);
  });

  it.each([
    ['no user', [], 2, 'usage:', ''],
    ['an unknown option', ['--all'], 2, 'usage:', ''],
    ['a file without a user', ['--file', '/dev/null'], 2, '', 'No file names a user'],
    ['a file that does not exist', ['--file', '/no/such/file'], 2, '', 'ENOENT'],
    ['a request for help', ['--help'], 0, 'usage:', ''],
  ])('explains itself after %s', async (_name, args, exitCode, out, log) => {
    expect(await erase(args)).toEqual({
      exitCode,
      out: expect.stringContaining(out),
      log: expect.stringContaining(log),
    });
  });

  it('lists missing settings', async () => {
    const { exitCode, log } = await erase(['--user', 'a'], { AZURE_TENANT_ID: '' });
    expect({ exitCode, log }).toEqual({ exitCode: 1, log: expect.stringContaining('AZURE_TENANT_ID') });
  });
});
