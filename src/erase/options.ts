import { parseArgs } from 'node:util';

export interface EraseOptions {
  readonly users: readonly string[];
  /** Files with one user a line. */
  readonly files: readonly string[];
  /** As in IDENTITY_PROVIDER; needed if there are several. */
  readonly provider: string | undefined;
  readonly help: boolean;
}

export const usage = `usage: npm run -s erase -- --user <object id>      erases one user; can be repeated
       npm run -s erase -- --file users.txt         erases the users of a file, one object id a line, # for comments
       npm run -s erase -- --provider <name> ...    with several identity providers: whose user it is, as in IDENTITY_PROVIDER
One line for each user goes to standard output, and the log, with the audit lines, to standard error.
It can be run again: nothing happens to users who have been erased.
Exit code: 0 all are erased, 1 at least one is not, 2 invalid arguments.
`;

/** Undefined if the arguments are invalid. */
export function parseOptions(args: readonly string[]): EraseOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        user: { type: 'string', multiple: true, default: [] },
        file: { type: 'string', multiple: true, default: [] },
        provider: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const { user: users, file: files, provider, help } = values;
    if (users.length + files.length === 0 && !help) return undefined;
    return { users, files, provider, help };
  } catch {
    return undefined;
  }
}

/** The users of a file. A comment begins a line or follows a space: ids of other providers than Microsoft's may contain `#`. */
export function splitUsers(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*/, '').trim())
    .filter((line) => line !== '');
}
