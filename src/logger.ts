import { isError } from './errors';
import { type DestinationStream, type Logger, pino } from 'pino';

export interface LoggerOptions {
  level: string;
  /** Values that are redacted wherever they appear in a log line. */
  secrets: readonly string[];
  destination?: DestinationStream | undefined;
}

/**
 * Logs one JSON object per line to standard output. Two safeguards keep secrets out: errors are reduced to a list of safe
 * fields, and everything that looks like a token or is one of `secrets` is redacted from each line.
 */
export function createLogger({ level, secrets, destination }: LoggerOptions): Logger {
  const secretPattern = secretPatternFor(secrets);
  return pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      hooks: { streamWrite: (line) => line.replace(secretPattern, '[redacted]') },
    },
    destination ?? pino.destination({ dest: 1, sync: false, minLength: 4_096, periodicFlush: 100 }),
  );
}

/**
 * Matches private keys in PEM, JWTs (two base64url parts, the first with `{"` at its start, and an optional third), access keys, and the secrets:
 * as they are, URL-encoded, form-encoded and JSON-escaped.
 */
function secretPatternFor(secrets: readonly string[]): RegExp {
  const literal = secrets
    .filter((secret) => secret.length >= 8)
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      String(new URLSearchParams([['', secret]])).slice(1),
    ])
    .flatMap((format) => [format, JSON.stringify(format).slice(1, -1)])
    .map((secret) => secret.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  const privateKeys = '-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*';
  const tokens = [privateKeys, 'eyJ[\\w-]{5,}\\.[\\w-]+\\.?[\\w-]*', '(?<=accesskey=)[^;"\\s]+'];
  return new RegExp([...new Set([...tokens, ...literal])].join('|'), 'gi');
}

interface DescribedError {
  type: string;
  message: string;
  code?: string | number;
  stack?: string | undefined;
  cause?: DescribedError;
}

const maxCauseDepth = 4;

/** SDK errors contain the request with its credentials, so only these fields of an error are logged. */
function describeError(error: unknown, depth = 0): DescribedError {
  if (!isError(error)) return { type: typeof error, message: 'not an error' };
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(depth === 0 ? { stack: error.stack } : {}),
    ...(isError(error.cause) && depth < maxCauseDepth
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
  };
}
