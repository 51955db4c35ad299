import { createHmac, timingSafeEqual } from 'node:crypto';
import { isObject } from '../http/exchange';
import { type EmulatorContext } from '../context';

/** What a refresh token stands for. */
export interface RefreshGrant {
  userObjectId: string;
  clientId: string;
  /** Issued to a single-page app: lives for a day, and only a browser may redeem it. */
  singlePage: boolean;
  /** Issued to a client without a credential, which needs none to redeem it either. */
  publicClient?: boolean | undefined;
  scope: string;
  satisfied?: string[] | undefined;
  expiresAt: number;
}

/** When a refresh token that a sign-in yields now expires; a single-page app's renewals do not move that. */
export function refreshTokenExpiry(context: EmulatorContext, singlePage: boolean): number {
  return context.clock() + (singlePage ? dayInMs : 90 * dayInMs);
}

const dayInMs = 24 * 3600 * 1000;

/** Refresh tokens carry what they stand for, sealed, so that a hundred thousand of them cost no memory. */
export function sealRefreshToken(context: EmulatorContext, grant: RefreshGrant): string {
  const content = Buffer.from(JSON.stringify(grant)).toString('base64url');
  return `1.${content}.${seal(context, content).toString('base64url')}`;
}

/** @returns undefined for what was never issued here, `expired` for what was, too long ago */
export function openRefreshToken(
  context: EmulatorContext,
  token: string,
): RefreshGrant | 'expired' | undefined {
  const [version, content = '', signature = ''] = token.split('.');
  const [given, expected] = [Buffer.from(signature, 'base64url'), seal(context, content)];
  if (version !== '1' || given.length !== expected.length || !timingSafeEqual(given, expected))
    return undefined;
  const grant: unknown = JSON.parse(Buffer.from(content, 'base64url').toString());
  if (!isObject(grant)) return undefined;
  if (Number(grant.expiresAt) < context.clock()) return 'expired';
  return grant as unknown as RefreshGrant;
}

function seal(context: EmulatorContext, content: string): Buffer {
  return createHmac('sha256', context.secret).update(`refresh token ${content}`).digest();
}
