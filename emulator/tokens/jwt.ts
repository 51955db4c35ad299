import { createHash } from 'node:crypto';
import { isObject } from '../http/exchange';

export type Claims = Record<string, unknown>;

export interface Jwt {
  header: Claims;
  claims: Claims;
  /** The text that is signed. */
  signed: string;
  signature: Buffer;
}

export function encodePart(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** The three parts of a signed JSON Web Token, not verified; undefined if the text is not one. */
export function decodeJwt(token: string): Jwt | undefined {
  const [header = '', claims = '', signature, ...others] = token.split('.');
  if (signature === undefined || others.length > 0 || !/^[\w-]*$/.test(signature)) return undefined;
  const [headerPart, claimsPart] = [decodePart(header), decodePart(claims)];
  if (!headerPart || !claimsPart) return undefined;
  return {
    header: headerPart,
    claims: claimsPart,
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

function decodePart(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
