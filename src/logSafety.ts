import { isError } from './errors';

/**
 * Matches private keys in PEM, JWTs (two base64url parts, the first with `{"` at its start, and an optional third), access keys, and the secrets:
 * as they are, URL-encoded, form-encoded and JSON-escaped.
 */
export function secretPatternOf(secrets: readonly string[]): RegExp {
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

export interface DescribedError {
  type: string;
  message: string;
  code?: string | number;
  stack?: string | undefined;
  cause?: DescribedError;
}

const maxCauseDepth = 4;

/** SDK errors contain the request with its credentials, so only these fields of an error are logged. */
export function describeError(error: unknown, depth = 0): DescribedError {
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
