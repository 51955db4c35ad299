import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../docs/markdown';

/** A project whose build appends a line to a file, and writes the program that is run. */
let folder: string;
const file = (path: string) => join(folder, path);
const builds = () => readFileSync(file('builds'), 'utf8').length;
/** Sources are older than a build of now, unless they are changed. */
const setAge = (path: string, ageInS: number) => {
  const time = Date.now() / 1_000 - ageInS;
  utimesSync(file(path), time, time);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-'));
  cpSync(join(projectRoot, 'scripts'), file('scripts'), { recursive: true });
  mkdirSync(file('src'));
  const build =
    "const fs = require('node:fs'); fs.mkdirSync('dist', { recursive: true }); fs.appendFileSync('builds', '.'); " +
    "fs.writeFileSync('dist/server.js', 'process.stdout.write(process.argv.slice(2).join())');";
  writeFileSync(file('build.cjs'), build);
  const scripts = {
    build: 'node build.cjs',
    prestart: 'node scripts/requireBuild.mjs',
    start: 'node dist/server.js',
  };
  writeFileSync(file('package.json'), JSON.stringify({ scripts }));
  for (const path of ['src/app.ts', 'tsconfig.json', 'builds']) writeFileSync(file(path), '');
  for (const path of ['src/app.ts', 'src', 'tsconfig.json', 'package.json']) setAge(path, 60);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runScript = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
};
const run = () => runScript('scripts/run.mjs', 'build', '--', 'dist/server.js', 'one', 'two');

test('npm start before a build says so in one line', () => {
  expect(runScript('scripts/requireBuild.mjs')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'There is no build yet. Run: npm run build\n',
  });
});

/** In this order: each case changes what the one before has left. */
test.each<[string, () => void, number]>([
  ['the first time', () => undefined, 1],
  ['not again if nothing has changed', () => undefined, 1],
  ['after a change, also one during the last build', () => setAge('src/app.ts', -60), 2],
  [
    'if its result is incomplete',
    () => {
      setAge('src/app.ts', 60);
      rmSync(file('dist/server.js'));
    },
    3,
  ],
  ['if its result was deleted', () => rmSync(file('dist'), { recursive: true }), 4],
  ['not again without a program', () => expect(runScript('scripts/run.mjs', 'build').stdout).toBe(''), 4],
])('a program is built before it runs: %s', (_when, change, expected) => {
  change();
  expect(run()).toEqual({ status: 0, stdout: 'one,two', stderr: '' });
  expect(builds()).toBe(expected);
});
