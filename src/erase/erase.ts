import { readFile } from 'node:fs/promises';
import { createServices, type Services } from '../composition';
import { type Config, ConfigError, type Environment, loadConfig } from '../config/config';
import type { ProviderConfig } from '../config/providers';
import { secretsOf } from '../config/secrets';
import { CertificateFileError } from '../entra/clientCredential/certificate';
import { ApiError, isError, printable } from '../errors';
import type { Log } from '../log';
import { withoutAddresses } from '../logSafety';
import { createLogger } from '../logger';
import { pause } from '../resilience/deadline';
import { UpstreamError } from '../resilience/upstreamError';
import { namedUser } from './namedUser';
import { type EraseOptions, parseOptions, splitUsers, usage } from './options';

interface Output {
  write(text: string): unknown;
}

export interface EraseCall {
  readonly args: readonly string[];
  /** The settings of the server, including those of .env. */
  readonly environment: Environment;
  /** Who erases, for the audit. */
  readonly operator: string;
  readonly out: Output;
  readonly log: Output;
}

/** Erases users with the server's own parts and settings, and returns the exit code. It needs no token, and no running server. */
export async function runErase({ args, environment, operator, out, log }: EraseCall): Promise<0 | 1 | 2> {
  const options = parseOptions(args);
  if (!options || options.help) {
    out.write(usage);
    return options ? 0 : 2;
  }
  const config = readConfig(environment, log);
  if (!config) return 1;
  const provider = chooseProvider(config.providers, options.provider);
  if (!provider) {
    const names = config.providers.map(({ name }) => name).join(', ');
    log.write(`Name the users' provider with --provider, one of: ${names}.\n`);
    return 2;
  }
  const ids = await readUsers(options, log);
  if (!ids) return 2;
  if (ids.length === 0) {
    log.write('No file names a user.\n');
    return 2;
  }

  const logger = createLogger({
    level: config.logLevel,
    secrets: secretsOf(config),
    destination: { write: (line) => void log.write(line) },
  });
  const services = await createServices(config, logger).catch((error: unknown) => {
    if (!(error instanceof CertificateFileError)) throw error;
    log.write(`${error.message}.\n`);
  });
  if (!services) return 1;
  try {
    const eraser = createEraser({ services, provider, operator, out, log: logger });
    return (await eraseAll(ids, eraser)) ? 0 : 1;
  } finally {
    await services.stop();
  }
}

function readConfig(environment: Environment, log: Output): Config | undefined {
  try {
    return loadConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.write(`${error.message}\n`);
    return undefined;
  }
}

function chooseProvider(
  providers: readonly ProviderConfig[],
  name: string | undefined,
): ProviderConfig | undefined {
  if (name !== undefined) return providers.find((provider) => provider.name === name);
  return providers.length === 1 ? providers[0] : undefined;
}

/** The users in order, without duplicates; undefined if a file cannot be read. */
async function readUsers({ users, files }: EraseOptions, log: Output): Promise<string[] | undefined> {
  try {
    const texts = await Promise.all(files.map(readText));
    return [...new Set([...users, ...texts.flatMap(splitUsers)])];
  } catch (error) {
    log.write(`${isError(error) ? error.message : 'A file cannot be read'}\n`);
    return undefined;
  }
}

/** Windows PowerShell writes UTF-16 when output is redirected to a file. */
async function readText(file: string): Promise<string> {
  const bytes = await readFile(file);
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8').decode(bytes);
}

/** Enough to overlap the waiting for calls, and far below the limits of the services. */
const maxConcurrent = 4;

async function eraseAll(ids: readonly string[], erase: Eraser): Promise<boolean> {
  const waiting = ids.values();
  let allErased = true;
  async function work(): Promise<void> {
    for (const id of waiting) if (!(await erase(id))) allErased = false;
  }
  await Promise.all(Array.from({ length: maxConcurrent }, work));
  return allErased;
}

/** Erases one user and reports it; false if that failed. */
type Eraser = (id: string) => Promise<boolean>;

interface EraserParts {
  services: Services;
  provider: ProviderConfig;
  operator: string;
  out: Output;
  log: Log;
}

function createEraser({ services, provider, operator, out, log }: EraserParts): Eraser {
  const audit = (user: string, outcome: string, error?: string) =>
    log.info(
      {
        audit: 'erase user',
        outcome,
        administrator: operator,
        client: 'command line',
        tenant: provider.name,
        user,
        error,
      },
      'audit',
    );

  return async (id) => {
    const user = namedUser(provider, id);
    if (!user) {
      out.write(`failed ${id}: not the id of a user of ${provider.name}\n`);
      audit(printable(withoutAddresses(id), maxIdLength), 'refused', 'invalid_request');
      return false;
    }
    try {
      await withRetries(() => services.communicationUsers.deleteUser(user, new AbortController().signal));
    } catch (error) {
      if (!(error instanceof ApiError)) log.error({ err: error }, 'erasing failed');
      const { code, message } = error instanceof ApiError ? error : internalError;
      out.write(`failed ${id}: ${code}: ${message}\n`);
      audit(user.subject, 'failed', code);
      return false;
    }
    out.write(`erased ${id}\n`);
    audit(user.subject, 'done');
    return true;
  };
}

const maxIdLength = 64;
const internalError = { code: 'internal_error', message: 'the cause is in the log' };
const maxAttempts = 5;
const maxPauseInMs = 60_000;

/** Repeats an erasure until it is done; a throttling service says when to retry. */
async function withRetries(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof UpstreamError && error.transient) || attempt === maxAttempts) throw error;
      const retryAfterInMs = Number(error.headers['Retry-After'] ?? attempt) * 1_000;
      await pause(Math.min(retryAfterInMs, maxPauseInMs));
    }
  }
}
