import { LRUCache } from 'lru-cache';
import type { CommunicationToken } from '../acs/acsIdentityClient';

/** A communication token with the identity it is for. */
export interface IssuedToken extends CommunicationToken {
  readonly communicationUserId: string;
}

/** Tokens that may be handed out again to the same user while they are young. In memory only. */
export interface IssuedTokenCache {
  get(userKey: string): IssuedToken | undefined;
  add(userKey: string, token: IssuedToken): void;
  delete(userKey: string): void;
}

const minute = 60_000;
/** Clients refresh a token when 10 minutes are left; one with less than this would have them come back at once. */
const minRemainingLifetimeInMs = 15 * minute;

/** @param reuseInMinutes 0 turns reuse off */
export function createIssuedTokenCache(reuseInMinutes: number, size: number): IssuedTokenCache {
  const tokens = new LRUCache<string, IssuedToken>({ max: size });
  return {
    get: (userKey) => tokens.get(userKey),
    add(userKey, token) {
      const lifeInMs = token.expiresOn.getTime() - Date.now();
      const ttl = Math.floor(
        Math.min(reuseInMinutes * minute, lifeInMs / 2, lifeInMs - minRemainingLifetimeInMs),
      );
      if (ttl > 0) tokens.set(userKey, token, { ttl });
      else tokens.delete(userKey);
    },
    delete: (userKey) => void tokens.delete(userKey),
  };
}
