/**
 * `npm run test:node-versions [-- 22 24]`: builds, tests the API and runs the smoke test with each version of Node that the server
 * supports. They come from npm (tools/node-versions), so that nothing else must be installed. Linux on x64 only; CI runs all tests on
 * each version.
 */
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(project, 'tools/node-versions');
const commands = [
  ['npm', ['run', '--silent', 'build:all']],
  ['node', ['build/emulator/withLocalCa.js', 'jest', 'test/api', 'test/process/server.test.ts']],
  ['npm', ['run', '--silent', 'smoke']],
];

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { cwd: project, stdio: 'inherit', ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed with exit code ${status}`);
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  throw new Error('test:node-versions needs Linux on x64.');
}
run('npm', ['ci', '--silent', '--no-audit', '--no-fund'], { cwd: folder });

const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const chosen = process.argv.slice(2);
const failures = [];
for (const name of Object.keys(dependencies)) {
  if (chosen.length > 0 && !chosen.includes(name.replace('node-', ''))) continue;
  const path = [
    join(folder, 'node_modules', name, 'bin'),
    join(project, 'node_modules/.bin'),
    process.env.PATH,
  ].join(delimiter);
  const env = { ...process.env, PATH: path };
  try {
    run('node', ['--version'], { env });
    for (const [command, args] of commands) run(command, args, { env });
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
  }
}
process.stdout.write(failures.length === 0 ? 'All versions of Node passed.\n' : `${failures.join('\n')}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
