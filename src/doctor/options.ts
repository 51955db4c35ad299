import { parseArgs } from 'node:util';

export interface DoctorOptions {
  /** Pasted tokens; `-` stands for standard input. */
  readonly tokens: readonly string[];
  readonly help: boolean;
}

export const usage = `usage: npm run doctor                       checks the setup of the server
       npm run -s doctor -- --token -       explains the token on standard input, or an access token and a Teams token
       npm run -s doctor -- --token <jwt>   the same; but a shell keeps what it was given in its history
Exit code: 0 no problem, 1 at least one problem, 2 wrong usage.
`;

/** Undefined if the arguments make no sense. */
export function parseOptions(args: readonly string[]): DoctorOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        token: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return { tokens: values.token, help: values.help };
  } catch {
    return undefined;
  }
}

/** The tokens in a text: apart by spaces or lines, perhaps in quotes, perhaps behind the word Bearer. */
export function splitTokens(text: string): string[] {
  return text
    .split(/\s+/)
    .map((part) => part.replace(/^["']+|["',;]+$/g, ''))
    .filter((part) => part !== '' && !/^(authorization:|bearer)$/i.test(part));
}
