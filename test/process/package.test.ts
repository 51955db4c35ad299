import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { connectClient, maxOpenFiles, useAllFileDescriptors } from '../support/fileDescriptors';
import { freePort, startServerProcess } from '../support/serverProcess';
import { until } from '../support/until';
import { unzip } from '../support/unzip';

const project = join(__dirname, '../..');
/** The user that runs the package, if the test may choose: the usual id of an unprivileged user. */
const otherUser = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

let root: string;
let unpacked = '';
let emulator: Emulator;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'package-'));
  chmodSync(root, 0o755);
  emulator = await startEmulator();
  build('first', 'UTC');
  unpacked = join(root, 'unpacked');
  unzip(join(root, 'first/package.zip'), unpacked);
  forEachEntry(unpacked, (path, isFolder) => chmodSync(path, isFolder ? 0o555 : 0o444));
  mkdirSync(join(root, 'home'));
  if (otherUser.uid !== undefined) chmodSync(join(root, 'home'), 0o777);
  copyFileSync(process.env.NODE_EXTRA_CA_CERTS ?? '', join(root, 'ca.pem'));
  chmodSync(join(root, 'ca.pem'), 0o444);
}, 120_000);
afterAll(async () => {
  await emulator.stop();
  if (existsSync(unpacked))
    forEachEntry(unpacked, (path, isFolder) => chmodSync(path, isFolder ? 0o755 : 0o644));
  rmSync(root, { recursive: true, force: true });
});

function build(folder: string, timeZone: string): void {
  execFileSync(process.execPath, [join(project, 'scripts/package.mjs'), join(root, folder)], {
    env: { ...process.env, TZ: timeZone },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function forEachEntry(folder: string, visit: (path: string, isFolder: boolean) => void): void {
  visit(folder, true);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    visit(join(entry.parentPath, entry.name), entry.isDirectory());
  }
}

/** Everything in the folder, with times: it changes if anything is written. */
function snapshot(folder: string): string[] {
  const entries: string[] = [];
  forEachEntry(folder, (path) => entries.push(`${path} ${statSync(path).mtimeMs}`));
  return entries.sort();
}

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: join(root, 'home'),
  NODE_ENV: 'production',
  npm_config_update_notifier: 'false',
  NODE_EXTRA_CA_CERTS: join(root, 'ca.pem'),
});

describe('the package', () => {
  it('has the same bytes when it is built again, in another folder and time zone, and so has its bill of materials', () => {
    build('second', 'Asia/Tokyo');
    for (const file of ['package.zip', 'package.cdx.json']) {
      expect(readFileSync(join(root, 'second', file)).equals(readFileSync(join(root, 'first', file)))).toBe(
        true,
      );
    }
  }, 120_000);

  it('contains the server and the files that it serves, and nothing for development', () => {
    const files = snapshot(unpacked).map((line) => line.slice(unpacked.length + 1).split(' ')[0] ?? '');
    expect(readdirSync(unpacked)).toEqual([
      'LICENSE.md',
      'THIRD-PARTY-NOTICES.txt',
      'dist',
      'docs',
      'node_modules',
      'openapi.yaml',
      'package.json',
    ]);
    expect(files.filter((file) => /\.(m?ts|md)$|emulator|test/.test(file))).toEqual([
      'LICENSE.md',
      'docs/errors.md',
    ]);
    expect(statSync(join(root, 'first/package.zip')).size).toBeLessThan(10_000_000);
    expect(files).toContain('dist/server.js.map');
  });

  it('lists in its bill of materials the packages that it contains, without development packages and registries', () => {
    const text = readFileSync(join(root, 'first/package.cdx.json'), 'utf8');
    const { bomFormat, components } = JSON.parse(text) as {
      bomFormat: string;
      components: { purl: string }[];
    };
    const purls = components.map(({ purl }) => purl);
    const notices = readFileSync(join(unpacked, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    expect(bomFormat).toBe('CycloneDX');
    for (const name of ['express', 'passport-azure-ad', '%40azure/msal-node', 'swagger-ui-dist']) {
      expect(purls).toContainEqual(expect.stringContaining(`pkg:npm/${name}@`));
      expect(notices).toContain(`\n${decodeURIComponent(name)} `);
    }
    expect(text).not.toMatch(/registry\.|%40peculiar|"jest"|"typescript"/);
    expect(text).not.toContain(project);
  });

  it('has every part that is loaded only when it is needed', () => {
    const folder = join(unpacked, 'dist/parts');
    const parts = readdirSync(folder).filter((file) => file.endsWith('.js'));
    expect(parts.map((file) => file.split('-')[0])).toEqual(
      expect.arrayContaining(['msal', 'communicationIdentity', 'dataTables', 'azureIdentity', 'otlp']),
    );
    const imports = parts.map(
      (file) => `await import(${JSON.stringify(pathToFileURL(join(folder, file)).href)});`,
    );
    const script = `${imports.join('\n')} process.stdout.write('loaded');`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      env: environment(),
      encoding: 'utf8',
      ...otherUser,
    });
    expect(output).toBe('loaded');
  });

  it.each([
    { part: 'MSAL', settings: {}, path: '/getToken' },
    { part: 'the SDK of Communication Services', settings: { IDENTITY_STORE: 'acs' }, path: '/getToken' },
    { part: 'the converter of the errors page', settings: { API_DOCS: 'on' }, path: '/docs/errors' },
  ])(
    'loads $part even if there were no file descriptors left the first time',
    async ({ settings, path }) => {
      const file = join(unpacked, 'dist/server.js');
      const server = await startServerProcess(
        { ...emulator.settings(), ...settings },
        { file, maxOpenFiles },
      );
      const client = await connectClient(server.url);
      try {
        const release = await useAllFileDescriptors(server.url);
        const accessToken = emulator.accessToken({ user: emulator.addUser() });
        expect(await client.send(path, accessToken)).toMatchObject({
          headers: { 'x-ms-error-code': 'server_unavailable' },
        });
        release();
        await until(async () => (await client.send(path, accessToken)).status === 200);
      } finally {
        client.close();
        await server.stop();
      }
    },
    120_000,
  );

  it('runs from a read-only folder as another user, issues a token, serves /docs, writes nothing and stops on SIGTERM', async () => {
    const before = snapshot(unpacked);
    const port = await freePort();
    const server = spawn('npm', ['start'], {
      cwd: unpacked,
      env: { ...environment(), ...emulator.settings(), PORT: String(port), API_DOCS: 'on' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // npm and the server together, so that both can be ended.
      detached: true,
      ...otherUser,
    });
    let output = '';
    server.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    server.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exited = once(server, 'close');
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers });
    try {
      await until(async () => {
        if (server.exitCode !== null) throw new Error(output);
        return (await get('/health/ready').catch(() => undefined))?.status === 200;
      });
      const accessToken = emulator.accessToken({ user: emulator.addUser() });
      expect((await get('/getToken', { Authorization: `Bearer ${accessToken}` })).status).toBe(200);
      for (const path of ['/', '/openapi.json', '/docs', '/docs/errors', '/docs/swagger-ui-bundle.js']) {
        expect((await get(path)).status).toBe(200);
      }
      server.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    } finally {
      if (server.exitCode === null && server.pid !== undefined) process.kill(-server.pid, 'SIGKILL');
    }
    expect(output).toContain('"message":"listening"');
    expect(output).toContain('"message":"stopped"');
    expect(snapshot(unpacked)).toEqual(before);
  }, 120_000);
});
