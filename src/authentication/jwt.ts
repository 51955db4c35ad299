import { type KeyObject, verify } from 'node:crypto';

/** The content of a JSON Web Token, not verified. */
export interface DecodedJwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Three parts in base64url (RFC 7515 section 7.1). */
const compactForm = /^([\w-]+)\.([\w-]+)\.[\w-]+$/;

/** Decodes a compact JWT (RFC 7519) without verifying it; undefined if it is malformed. */
export function decodeJwt(token: string): DecodedJwt | undefined {
  const [, header = '', claims = ''] = compactForm.exec(token) ?? [];
  const parsedHeader = parseJsonObject(header);
  const parsedClaims = parseJsonObject(claims);
  return parsedHeader && parsedClaims && { header: parsedHeader, claims: parsedClaims };
}

/** True if the compact JWT has a valid RS256 signature of this key (RFC 7515 section 5.2). */
export function isSignedBy(key: KeyObject, jwt: string): boolean {
  const end = jwt.lastIndexOf('.');
  const signature = Buffer.from(jwt.slice(end + 1), 'base64url');
  return verify('RSA-SHA256', Buffer.from(jwt.slice(0, end), 'latin1'), key, signature);
}

function parseJsonObject(base64url: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The claim if it is a non-empty string. */
export function stringClaim({ claims }: DecodedJwt, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * The caller's application roles in an access token of a Microsoft directory. ID tokens contain them too, but grant nothing; they are
 * recognized by the missing client application.
 */
export function rolesOf(jwt: DecodedJwt): readonly string[] {
  const { roles } = jwt.claims;
  if (!Array.isArray(roles) || clientIdOf(jwt) === undefined) return [];
  return roles.filter((role) => typeof role === 'string');
}

/** The client application that the token was issued to: `azp` in v2 tokens, `appid` in v1 tokens. */
export function clientIdOf(jwt: DecodedJwt): string | undefined {
  return (stringClaim(jwt, 'azp') ?? stringClaim(jwt, 'appid'))?.toLowerCase();
}
