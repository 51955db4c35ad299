/**
 * Makes the emulator's package, which another project can install: build/acs-authentication-server-emulator-<version>.tgz, with its
 * contents in build/emulator-package. Prints the path of the file. What it is for: emulator/README.md.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '..');
const output = resolve(process.argv[2] ?? join(project, 'build'));
const folder = join(output, 'emulator-package');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
run(process.execPath, [
  join(project, 'node_modules/typescript/bin/tsc'),
  ...['-p', join(project, 'emulator/tsconfig.package.json'), '--outDir', join(folder, 'dist')],
]);
for (const file of ['emulator/package.json', 'emulator/README.md', 'LICENSE.md']) {
  cpSync(join(project, file), join(folder, file.replace('emulator/', '')));
}
run('npm', ['pack', '--silent', '--pack-destination', output]);
const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
process.stdout.write(`${join(output, `${name}-${version}.tgz`)}\n`);

function run(program, args) {
  const stdio = ['ignore', 'ignore', 'inherit'];
  execFileSync(program, args, {
    cwd: folder,
    stdio,
    shell: program === 'npm' && process.platform === 'win32',
  });
}
