import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './projectRoot';

/** `requests.http` with values for its variables, in the file itself: editors read variables from different other files. */
export function filledRequests(values: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(projectRoot(), 'requests.http'), 'utf8');
  return text.replace(/^@(\w+) = .*$/gm, (line, name: string) =>
    values[name] === undefined ? line : `@${name} = ${values[name]}`,
  );
}
