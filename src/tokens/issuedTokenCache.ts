import { LRUCache } from 'lru-cache';
import type { CommunicationToken } from '../acs/acsIdentityClient';

/** A communication token with the identity it is for. */
export interface IssuedToken extends CommunicationToken {
  readonly communicationUserId: string;
}

/** Recently issued tokens that may be returned again to the same user. In memory only. */
export interface IssuedTokenCache {
  get(userKey: string): IssuedToken | undefined;
  add(userKey: string, token: IssuedToken): void;
  delete(userKey: string): void;
}

const minute = 60_000;
/** Clients refresh a token 10 minutes before its expiry; a token with less than this would be refreshed at once. */
const minRemainingLifetimeInMs = 15 * minute;

/** @param reuseInMinutes 0 disables reuse */
export function createIssuedTokenCache(reuseInMinutes: number, size: number): IssuedTokenCache {
  const tokens = new LRUCache<string, IssuedToken>({ max: size });
  return {
    get: (userKey) => tokens.get(userKey),
    add(userKey, token) {
      const lifetimeInMs = token.expiresOn.getTime() - Date.now();
      const ttl = Math.floor(
        Math.min(reuseInMinutes * minute, lifetimeInMs / 2, lifetimeInMs - minRemainingLifetimeInMs),
      );
      if (ttl > 0) tokens.set(userKey, token, { ttl });
      else tokens.delete(userKey);
    },
    delete: (userKey) => void tokens.delete(userKey),
  };
}
