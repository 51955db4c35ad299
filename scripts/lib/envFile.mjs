/**
 * Reads and writes settings in a .env file. Values come on standard input, so that no list of processes shows them.
 *
 * usage: node envFile.mjs get FILE NAME...           prints the values, one a line; an empty one if there is none
 *        node envFile.mjs set FILE < NAME=VALUE...   replaces or adds, keeps all other lines; readable for the owner only
 */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

const [command, file, ...names] = process.argv.slice(2);
const text = existsSync(file) ? readFileSync(file, 'utf8') : '';

if (command === 'get') {
  const values = parseEnv(text);
  process.stdout.write(names.map((name) => `${values[name] ?? ''}\n`).join(''));
} else {
  const changes = new Map(
    readFileSync(0, 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const written = `${file}.new`;
  writeFileSync(written, merge(text, changes), { mode: 0o600 });
  chmodSync(written, 0o600);
  renameSync(written, file);
}

function merge(before, changes) {
  const left = new Map(changes);
  const lines = before.split('\n').map((line) => {
    const [, key] = /^\s*(?:export\s+)?(\w+)\s*=/.exec(line) ?? [];
    if (key === undefined || !changes.has(key)) return line;
    left.delete(key);
    return assignment(key, changes.get(key));
  });
  while (lines.at(-1) === '') lines.pop();
  const added = [...left].map(([key, value]) => assignment(key, value));
  return `${[...lines, ...added].join('\n')}\n`;
}

function assignment(key, value) {
  return /^[\w.~:/+=@,;-]*$/.test(value) ? `${key}=${value}` : `${key}='${value}'`;
}
