// Builds what a program needs, quietly and only if its sources have changed, then runs it in this process:
//   node scripts/run.mjs [--ports] <target>... [-- <program> [arguments]]
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { usedPorts } from './lib/usedPorts.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** For each npm script that builds: its sources, its output folder, and the files that must exist afterwards. */
const targets = {
  build: { sources: ['src', 'tsconfig.json'], output: 'dist', entry: 'server.js' },
  'build:emulator': { sources: ['emulator', 'tsconfig.json'], output: 'build/emulator', entry: 'main.js' },
  'build:playground': {
    sources: ['playground', 'tsconfig.json'],
    output: 'build/playground',
    entry: 'page/index.html',
  },
};

const given = process.argv.slice(2);
const separator = given.includes('--') ? given.indexOf('--') : given.length;
const options = given.slice(0, separator);
const [program, ...programArguments] = given.slice(separator + 1);

try {
  if (options.includes('--ports')) await refuseUsedPorts();
  await Promise.all(options.filter((option) => option in targets).map(buildIfChanged));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
if (program !== undefined) {
  const file = join(root, program);
  process.argv = [process.argv[0], file, ...programArguments];
  await import(pathToFileURL(file).href);
}

/** Reports all ports in use together, before a build that would be wasted. */
async function refuseUsedPorts() {
  const used = await usedPorts(process.env);
  if (used.length === 0) return;
  const lines = used.map(({ port, setting }) => `Port ${port} is in use: set ${setting} to a free port.`);
  throw new Error([...lines, 'Or stop the programs that use them.'].join('\n'));
}

async function buildIfChanged(target) {
  const { sources, output, entry } = targets[target];
  const stamp = join(root, output, '.built');
  const isComplete = existsSync(join(root, output, entry));
  const newest = Math.max(...['package.json', ...sources].map((path) => newestChange(join(root, path))));
  if (isComplete && newest <= newestChange(stamp)) return;
  // Otherwise TypeScript would assume that the files in its build info still exist.
  if (!isComplete) rmSync(join(root, output, 'tsconfig.tsbuildinfo'), { force: true });
  const startedAt = new Date();
  await build(target);
  writeFileSync(stamp, '');
  // Sources that change during the build count as newer than the build.
  utimesSync(stamp, startedAt, startedAt);
}

/** Milliseconds since 1970; 0 if there is nothing at the path. */
function newestChange(path) {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (!entry?.isDirectory()) return entry?.mtimeMs ?? 0;
  return Math.max(entry.mtimeMs, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

function build(target) {
  return new Promise((done, failed) => {
    const npm = spawn('npm', ['run', '--silent', target], { cwd: root, shell: process.platform === 'win32' });
    const output = [];
    npm.stdout.on('data', (chunk) => output.push(chunk));
    npm.stderr.on('data', (chunk) => output.push(chunk));
    npm.once('error', failed);
    npm.once('close', (code) => {
      if (code === 0) done();
      else failed(new Error(`npm run ${target} failed:\n${Buffer.concat(output).toString()}`));
    });
  });
}
