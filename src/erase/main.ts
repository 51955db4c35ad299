import { userInfo } from 'node:os';
import { loadSettingsFile } from '../config/settingsFile';
import { runErase } from './erase';

/** The process edge of `npm run erase`. */
async function main(): Promise<void> {
  loadSettingsFile();
  process.exitCode = await runErase({
    args: process.argv.slice(2),
    environment: process.env,
    operator: operatorName(),
    out: process.stdout,
    log: process.stderr,
  });
}

/** In a container, the process may run as a user that has only a number. */
function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user id ${process.getuid?.() ?? 'unknown'}`;
  }
}

void main();
