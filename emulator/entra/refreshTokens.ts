import { createHmac, timingSafeEqual } from 'node:crypto';
import { isObject } from '../http/exchange';
import { type World } from '../world';

/** What a refresh token stands for. */
export interface RefreshGrant {
  userObjectId: string;
  clientId: string;
  /** Issued to a single-page app: lives for a day, and only a browser may redeem it. */
  singlePage: boolean;
  scope: string;
  satisfied?: string[] | undefined;
  expiresAt: number;
}

/** When a refresh token that a sign-in yields now expires; a single-page app's renewals do not move that. */
export function refreshTokenExpiry(world: World, singlePage: boolean): number {
  return world.clock() + (singlePage ? dayInMs : 90 * dayInMs);
}

const dayInMs = 24 * 3600 * 1000;

/** Refresh tokens carry what they stand for, sealed, so that a hundred thousand of them cost no memory. */
export function sealRefreshToken(world: World, grant: RefreshGrant): string {
  const content = Buffer.from(JSON.stringify(grant)).toString('base64url');
  return `1.${content}.${seal(world, content).toString('base64url')}`;
}

/** @returns undefined for what was never issued here, `expired` for what was, too long ago */
export function openRefreshToken(world: World, token: string): RefreshGrant | 'expired' | undefined {
  const [version, content = '', signature = ''] = token.split('.');
  const [given, expected] = [Buffer.from(signature, 'base64url'), seal(world, content)];
  if (version !== '1' || given.length !== expected.length || !timingSafeEqual(given, expected))
    return undefined;
  const grant: unknown = JSON.parse(Buffer.from(content, 'base64url').toString());
  if (!isObject(grant)) return undefined;
  if (Number(grant.expiresAt) < world.clock()) return 'expired';
  return grant as unknown as RefreshGrant;
}

function seal(world: World, content: string): Buffer {
  return createHmac('sha256', world.secret).update(`refresh token ${content}`).digest();
}
