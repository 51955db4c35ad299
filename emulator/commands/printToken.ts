import { request } from 'node:https';
import { parseArgs } from 'node:util';
import { ensureCertificates } from '../certificates/loopbackCertificates';
import { type LocalProviderName, localProviders, oneOf } from '../commandLine';
import { isObject } from '../http/exchange';
import { portFrom } from '../program';
import { developmentPort } from '../seed';

/** The commands to type, for messages. */
export interface CommandNames {
  readonly token: string;
  readonly serve: string;
}

const optionList = `[--user alice] [--teams | --administrator] [--provider b2c] [--scope "…"] [--minutes 75] [--defect expired] [--public-names] [--url https://localhost:8443]`;

/** In `npm run local`, the external tenant is the OpenID Connect provider, too. */
const actionOf: Readonly<Record<LocalProviderName, string>> = {
  entra: 'token',
  external_id: 'external-id-token',
  b2c: 'b2c-token',
  oidc: 'external-id-token',
};

/** Requests a token from the running emulator, and prints nothing else. */
export async function printToken(
  args: string[],
  commands: CommandNames,
  certificateFolder: string,
): Promise<void> {
  const options = parse(args, commands);
  const url = options.url ?? `https://localhost:${portFrom('EMULATOR_PORT', developmentPort)}`;
  const { authority } = await ensureCertificates(certificateFolder);
  const body = {
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...(options.minutes === undefined ? {} : { lifetimeInSeconds: Math.round(Number(options.minutes) * 60) }),
    ...(options.defect === undefined ? {} : { defect: options.defect }),
    ...(options['public-names'] ? { publicName: true } : {}),
  };
  const token = await post(`${url}/_emulator/${actionFor(options)}`, authority, body, commands);
  process.stdout.write(`${token}\n`);
}

function actionFor(options: { teams: boolean; administrator: boolean; provider: string }): string {
  if (options.teams) return 'teams-token';
  if (options.administrator) return 'administrator-token';
  return actionOf[oneOf(localProviders, '--provider', options.provider)];
}

function parse(args: string[], { token }: CommandNames) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        user: { type: 'string' },
        teams: { type: 'boolean', default: false },
        administrator: { type: 'boolean', default: false },
        'public-names': { type: 'boolean', default: false },
        provider: { type: 'string', default: 'entra' },
        scope: { type: 'string' },
        minutes: { type: 'string' },
        defect: { type: 'string' },
        url: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : ''}\nusage: ${token} ${optionList}`);
  }
}

function post(url: string, ca: string, body: object, { serve }: CommandNames): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', ca, headers: { 'content-type': 'application/json' } });
    call.on('error', (error) => {
      reject(
        new Error(
          `No emulator responds on ${new URL(url).origin} (${error.message}). Start it: ${serve}; or set EMULATOR_PORT to its port.`,
        ),
      );
    });
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const result = read(Buffer.concat(chunks).toString());
        if ('accessToken' in result) resolve(result.accessToken);
        else reject(new Error(result.problem));
      });
    });
    call.end(JSON.stringify(body));
  });
}

function read(text: string): { accessToken: string } | { problem: string } {
  const body: unknown = JSON.parse(text);
  const { accessToken, error } = isObject(body) ? body : {};
  if (typeof accessToken === 'string') return { accessToken };
  return { problem: isObject(error) && typeof error.message === 'string' ? error.message : text };
}
