import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot, readDocument } from '../docs/markdown';
import { freePort } from '../support/serverProcess';
import { until } from '../support/until';

/** The runnable programs of the README, by the file name in their first line. */
const examples = new Map(
  readDocument('emulator/README.md')
    .codeBlocks.filter(({ info }) => info === 'js runnable')
    .map(({ text }) => [/^\/\/ (\S+)\n/.exec(text)?.[1] ?? '', text]),
);
const name = 'acs-authentication-server-emulator';

let output: string;
let project: string;
beforeAll(() => {
  output = mkdtempSync(join(tmpdir(), 'emulator-package-'));
  project = join(output, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private": true}\n');
  const script = join(projectRoot, 'scripts', 'packageEmulator.mjs');
  const tarball = execFileSync(process.execPath, [script, output], { encoding: 'utf8' }).trim();
  execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], {
    cwd: project,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for (const [file, text] of examples) writeFileSync(join(project, file), text);
}, 120_000);
afterAll(() => rmSync(output, { recursive: true, force: true }));

/** The environment of a user's shell, without settings of this repository. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, npm_config_update_notifier: 'false', ...more };
  delete env.NODE_EXTRA_CA_CERTS;
  return env;
}

function run(command: string, args: string[], more: Record<string, string> = {}): string {
  return execFileSync(command, args, { cwd: project, env: environment(more), encoding: 'utf8' });
}

const claimsOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

describe('the package of the emulator, installed in an empty project', () => {
  it('has its few dependencies, and no sources or tests', () => {
    const folder = join(project, 'node_modules', name);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });

    expect(readdirSync(folder).sort()).toEqual(['LICENSE.md', 'README.md', 'dist', 'package.json']);
    expect(files.filter((file) => /\.(ts|map)$/.test(file) && !file.endsWith('.d.ts'))).toEqual([]);
    expect(files.filter((file) => /local|test/i.test(file))).toEqual([]);
  });

  it('does nothing when it is loaded', () => {
    // A pipe is one of the standard streams of this process.
    const load = `require('${name}');
      process.stdout.write(process.getActiveResourcesInfo().filter((each) => each !== 'PipeWrap').join());`;

    expect(run(process.execPath, ['-e', load])).toBe('');
    expect(existsSync(join(project, '.emulator'))).toBe(false);
  });

  it('gives tokens to the example for CommonJS, which trusts the authority itself', () => {
    expect(run(process.execPath, ['readUser.cjs'])).toBe('Alice Archer\n');
    expect(readdirSync(join(project, '.emulator')).sort()).toEqual(['ca.pem', 'cert.pem', 'key.pem', 'keys']);
  });

  it('gives tokens to the example for ES modules, which its command lets trust the authority', () => {
    const command = ['--no-install', 'acs-emulator', 'exec', 'node', '--test'];

    expect(readDocument('emulator/README.md').text).toContain(`npx ${command.join(' ')}\``);
    expect(run('npx', command)).toMatch(/^(#|ℹ) pass 2$/m);
  });

  it('has type declarations for both module systems', () => {
    const program = `import { allDefects, type Emulator, startEmulator } from '${name}';
      const main = async (): Promise<string> => {
        const emulator: Emulator = await startEmulator({ port: 0, publicNames: false });
        emulator.fail({ operation: 'acs', kind: 'drop' });
        return emulator.accessToken({ user: emulator.users.alice, defect: allDefects[0] });
      };
      // @ts-expect-error there is no such option
      void main().then(() => startEmulator({ prot: 0 }));
    `;
    const files = ['types.mts', 'types.cts'];
    for (const file of files) writeFileSync(join(project, file), program);
    const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
    const types = ['--types', 'node', '--typeRoots', join(projectRoot, 'node_modules/@types')];
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2023'];
    const modules = ['--module', 'node16', '--moduleResolution', 'node16'];
    const args = [compiler, ...options, ...modules, ...types, ...files];

    expect(run(process.execPath, args)).toBe('');
  });

  describe('with its command running', () => {
    let emulator: ChildProcess;
    let screen = '';
    let port: { EMULATOR_PORT: string };
    beforeAll(async () => {
      port = { EMULATOR_PORT: String(await freePort()) };
      const file = join(project, 'node_modules', '.bin', 'acs-emulator');
      emulator = spawn(file, ['--data', 'state'], { cwd: project, env: environment(port) });
      emulator.stdout?.on('data', (chunk: Buffer) => (screen += chunk.toString()));
      emulator.stderr?.on('data', (chunk: Buffer) => (screen += chunk.toString()));
      await until(() => {
        if (emulator.exitCode !== null) throw new Error(screen);
        return screen.includes('Ctrl-C stops it.');
      });
    });
    afterAll(() => void emulator.kill('SIGKILL'));

    it('prints a token', () => {
      const token = run('npx', ['--no-install', 'acs-emulator', 'token', '--user', 'bob'], port);
      expect(claimsOf(token)).toMatchObject({ preferred_username: 'bob@contoso.example' });
    });

    it('shows commands of the package, and files of the project', () => {
      expect(screen).toContain('npx --no-install acs-emulator token --user alice');
      expect(screen).toContain('NODE_EXTRA_CA_CERTS=.emulator/ca.pem');
      expect(screen).not.toContain('npm run');
    });

    it('keeps its state in the named folder, and stops when asked', async () => {
      const exited = once(emulator, 'exit');
      emulator.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      expect(readdirSync(join(project, 'state'))).toEqual(['emulator-state.json']);
    });
  });

  it.each([
    [['--help'], 0, /^usage:\n {2}acs-emulator /],
    [['--prot', '1'], 1, /Unknown option '--prot'/],
    [['tokne'], 1, /Unexpected argument 'tokne'/],
    [['token'], 1, /Start it: npx --no-install acs-emulator; or set EMULATOR_PORT to its port\.\n$/],
    [['exec'], 1, /^acs-emulator exec: usage: acs-emulator exec <command>/],
  ])('responds to acs-emulator %j', async (args, code, text) => {
    const file = join(project, 'node_modules', '.bin', 'acs-emulator');
    const env = environment({ EMULATOR_PORT: String(await freePort()) });
    const child = spawn(file, args, { cwd: project, env });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));

    expect((await once(child, 'close'))[0]).toBe(code);
    expect(said).toMatch(text);
  });
});
