import { createHmac, timingSafeEqual } from 'node:crypto';
import { isObject } from '../http/exchange';
import { type EmulatorContext } from '../context';

/** The content of a refresh token. */
export interface RefreshGrant {
  userObjectId: string;
  clientId: string;
  /** Issued to a single-page app: valid for a day, and only a browser may redeem it. */
  singlePage: boolean;
  /** Issued to a client without a credential, which needs none to redeem it. */
  publicClient?: boolean | undefined;
  scope: string;
  satisfied?: string[] | undefined;
  expiresAt: number;
}

/** The expiry of a refresh token from a sign-in now. Renewals of a single-page app do not extend it. */
export function refreshTokenExpiry(context: EmulatorContext, singlePage: boolean): number {
  return context.clock() + (singlePage ? dayInMs : inactivityInMs);
}

const dayInMs = 24 * 3600 * 1000;
export const inactivityInMs = 90 * dayInMs;

/** A refresh token contains its grant, sealed, so that a hundred thousand of them need no memory. */
export function sealRefreshToken(context: EmulatorContext, grant: RefreshGrant): string {
  const content = Buffer.from(JSON.stringify(grant)).toString('base64url');
  return `1.${content}.${seal(context, content).toString('base64url')}`;
}

/** @returns undefined for a token that was not issued here; the grant may have expired */
export function openRefreshToken(context: EmulatorContext, token: string): RefreshGrant | undefined {
  const [version, content = '', signature = ''] = token.split('.');
  const [actual, expected] = [Buffer.from(signature, 'base64url'), seal(context, content)];
  if (version !== '1' || actual.length !== expected.length || !timingSafeEqual(actual, expected))
    return undefined;
  const grant: unknown = JSON.parse(Buffer.from(content, 'base64url').toString());
  return isObject(grant) ? (grant as unknown as RefreshGrant) : undefined;
}

function seal(context: EmulatorContext, content: string): Buffer {
  return createHmac('sha256', context.secret).update(`refresh token ${content}`).digest();
}
