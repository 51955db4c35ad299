import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { loadSettingsFile } from '../config/settingsFile';
import { runDoctor } from './doctor';
import { parseOptions } from './options';

/** The process edge of `npm run doctor`. */
async function main(): Promise<void> {
  const startedWith = { ...process.env };
  const args = process.argv.slice(2);
  const file = parseOptions(args)?.env;
  const path = resolve(file ?? '.env');
  const exists = existsSync(path);
  if (file !== undefined && !exists) {
    process.stderr.write(`There is no file ${path}.\n`);
    process.exitCode = 2;
    return;
  }
  const count = loadSettingsFile(path);
  process.exitCode = await runDoctor({
    args,
    environment: process.env,
    startedWith,
    settingsFile: { path, exists, count },
    out: process.stdout,
    readInput() {
      if (process.stdin.isTTY) process.stderr.write('Paste the token, then press Enter and Ctrl-D.\n');
      return text(process.stdin);
    },
  });
}

void main();
