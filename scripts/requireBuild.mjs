// Before `npm start`: says in one line that there is no build yet, instead of a stack trace of Node.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

if (!existsSync(join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'server.js'))) {
  process.stderr.write('There is no build yet. Run: npm run build\n');
  process.exit(1);
}
