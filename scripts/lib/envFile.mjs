/**
 * Reads and writes settings in a .env file. Values are read from standard input, so that process lists do not show them.
 *
 * usage: node envFile.mjs get FILE NAME...           prints one value per line; an empty line if it is missing
 *        node envFile.mjs set FILE < NAME=VALUE...   replaces or adds settings, keeps all other lines; mode 0600
 */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

const [command, file, ...names] = process.argv.slice(2);
const text = existsSync(file) ? decode(readFileSync(file)) : '';

if (command === 'get') {
  const values = parseEnv(text);
  process.stdout.write(names.map((name) => `${values[name] ?? ''}\n`).join(''));
} else {
  const changes = new Map(
    readFileSync(0, 'utf8')
      // PowerShell ends lines with a carriage return, too.
      .split(/\r?\n/)
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const temporaryFile = `${file}.new`;
  writeFileSync(temporaryFile, merge(text, changes), { mode: 0o600 });
  chmodSync(temporaryFile, 0o600);
  renameSync(temporaryFile, file);
}

/** Without a byte order mark, which would be part of the first name. Windows PowerShell writes UTF-16; the server reads both. */
function decode(bytes) {
  return new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes);
}

function merge(original, changes) {
  const remaining = new Map(changes);
  const lines = original.split('\n').map((line) => {
    const [, key] = /^\s*(?:export\s+)?(\w+)\s*=/.exec(line) ?? [];
    if (key === undefined || !changes.has(key)) return line;
    remaining.delete(key);
    return assignment(key, changes.get(key));
  });
  while (lines.at(-1) === '') lines.pop();
  const added = [...remaining].map(([key, value]) => assignment(key, value));
  return `${[...lines, ...added].join('\n')}\n`;
}

function assignment(key, value) {
  return /^[\w.~:/+=@,;-]*$/.test(value) ? `${key}=${value}` : `${key}='${value}'`;
}
