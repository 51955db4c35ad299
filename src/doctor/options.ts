import { parseArgs } from 'node:util';

export interface DoctorOptions {
  /** Pasted tokens; `-` stands for standard input. */
  readonly tokens: readonly string[];
  /** Another file than .env. */
  readonly env: string | undefined;
  /** Of a deployed server, without a slash at the end. */
  readonly url: string | undefined;
  /** Browser apps that must be able to call the deployed server. */
  readonly origins: readonly string[];
  readonly json: boolean;
  /** Every finding in full. */
  readonly all: boolean;
  readonly help: boolean;
}

export const usage = `usage: npm run doctor                     checks the setup of the server
       npm run doctor -- --url <address>  checks a deployed server, without a token
       npm run -s doctor -- --token -     explains a token from standard input, or
                                          an access token and a Teams token

  --all            also shows what is ok in full
  --json           prints the findings as JSON
  --env <file>     reads this file instead of .env
  --origin <url>   with --url: this browser app must be able to call; repeatable
  --token <jwt>    like --token -, but a shell keeps it in its history

Exit code: 0 no problem, 1 at least one problem, 2 invalid arguments.
`;

/** Undefined if the arguments are invalid. */
export function parseOptions(args: readonly string[]): DoctorOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        token: { type: 'string', multiple: true, default: [] },
        env: { type: 'string' },
        url: { type: 'string' },
        origin: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        all: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const { token, env, url, origin, json, all, help } = values;
    if (url !== undefined && !isHttpUrl(url)) return undefined;
    if (origin.length > 0 && url === undefined) return undefined;
    return { tokens: token, env, url: url?.replace(/\/+$/, ''), origins: origin, json, all, help };
  } catch {
    return undefined;
  }
}

const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** The tokens in a text, separated by spaces or lines. Quotes and the word Bearer are ignored. */
export function splitTokens(text: string): string[] {
  return text
    .split(/\s+/)
    .map((part) => part.replace(/^["']+|["',;]+$/g, ''))
    .filter((part) => part !== '' && !/^(authorization:|bearer)$/i.test(part));
}
