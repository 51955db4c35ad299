import { text } from 'node:stream/consumers';
import { config as loadDotenv } from 'dotenv';
import { runDoctor } from './doctor';

/** The process edge of `npm run doctor`. */
async function main(): Promise<void> {
  const startedWith = { ...process.env };
  loadDotenv({ quiet: true });
  process.exitCode = await runDoctor({
    args: process.argv.slice(2),
    environment: process.env,
    startedWith,
    out: process.stdout,
    readInput() {
      if (process.stdin.isTTY) process.stderr.write('Paste the token, then press Enter and Ctrl-D.\n');
      return text(process.stdin);
    },
  });
}

void main();
