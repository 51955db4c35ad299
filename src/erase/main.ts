import { userInfo } from 'node:os';
import { config as loadDotenv } from 'dotenv';
import { runErase } from './erase';

/** The process edge of `npm run erase`. */
async function main(): Promise<void> {
  loadDotenv({ quiet: true });
  process.exitCode = await runErase({
    args: process.argv.slice(2),
    environment: process.env,
    operator: userInfo().username,
    out: process.stdout,
    log: process.stderr,
  });
}

void main();
