import { isError } from './errors';

/**
 * Removes private keys in PEM, JWTs (two base64url parts, the first with `{"` at its start, and an optional third), access keys, and the secrets:
 * as they are, URL-encoded, form-encoded and JSON-escaped.
 */
export function createRedaction(secrets: readonly string[]): (text: string) => string {
  const literal = secrets
    .filter((secret) => secret.length >= 8)
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      String(new URLSearchParams([['', secret]])).slice(1),
    ])
    .flatMap((format) => [format, JSON.stringify(format).slice(1, -1)])
    .map((secret) => secret.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  const keys = ['-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*', '(?<=accesskey=)[^;"\\s]+'];
  const known = new RegExp([...new Set([...keys, ...literal])].join('|'), 'gi');
  return (text) => text.replace(known, '[redacted]').replace(jwtOrItsStart, redactJwt);
}

/**
 * Also matches what only begins like a JWT, so that the search continues after it. Otherwise the time for a path that repeats the beginning
 * would grow with the square of its length, up to half a second.
 */
const jwtOrItsStart = /eyJ[\w-]{5,}(\.[\w-]+\.?[\w-]*)?/gi;

function redactJwt(match: string, furtherParts: string | undefined): string {
  return furtherParts === undefined ? match : '[redacted]';
}

/** An email address or a sign-in name, as it is or URL-encoded. A version, as in a path of a package, does not end with letters. */
const address =
  /(?<![^\s"'`/\\:;,=<>()[\]{}|])[^\s"'`/\\:;,=<>()[\]{}|@]+(?:@|%40)(?:[\p{L}\d-]+\.)+\p{L}{2,}/giu;

/** For text of services and of requests: it may name users, which a pattern for secrets cannot know. */
export function withoutAddresses(text: string): string {
  return text.replace(address, '[redacted]');
}

export interface DescribedError {
  type: string;
  message: string;
  code?: string | number;
  stack?: string | undefined;
  /** What the operator can do, where it does not depend on the request. */
  remedy?: string;
  cause?: DescribedError;
}

const maxCauseDepth = 4;

/** SDK errors contain the request with its credentials, so only these fields of an error are logged. */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!isError(error)) return { type: typeof error, message: 'not an error' };
  const code: unknown = 'code' in error ? error.code : undefined;
  const remedy = depth === 0 ? remedyOf(error) : undefined;
  return {
    type: error.name,
    message: messageOf(error),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(remedy === undefined ? {} : { remedy }),
    // The stack is of no use if the remedy is known.
    ...(depth === 0 && remedy === undefined ? { stack: error.stack && withoutAddresses(error.stack) } : {}),
    ...(isError(error.cause) && depth < maxCauseDepth
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
  };
}

/**
 * The message of an SDK error may be the whole response. If that is not an error response, it may contain a token, which need not look like
 * one. In an error response, the message may be something other than text.
 */
function messageOf(error: Error): string {
  const message: unknown = error.message;
  const status: unknown = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number' && status < 400) return `an unusable response with HTTP ${status}`;
  return typeof message === 'string' ? withoutAddresses(message) : 'not a text';
}

/** Node's error codes for a certificate of an unknown authority. */
const untrustedCertificate = /SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)/;

function remedyOf(error: Error): string | undefined {
  for (
    let cause: unknown = error, depth = 0;
    isError(cause) && depth <= maxCauseDepth;
    cause = cause.cause, depth += 1
  ) {
    if ('code' in cause && typeof cause.code === 'string' && untrustedCertificate.test(cause.code)) {
      return (
        'Node does not trust the certificate of the service. Set NODE_EXTRA_CA_CERTS to the file of its certificate authority before ' +
        'Node starts; .env is read too late. For the emulator that is .emulator/ca.pem.'
      );
    }
  }
  return undefined;
}
