import { LRUCache } from 'lru-cache';
import type { CommunicationToken } from '../acs/acsIdentityClient';

/** A communication token with the identity it is for. */
export interface IssuedToken extends CommunicationToken {
  readonly communicationUserId: string;
}

/** Recently issued tokens that may be returned again to the same user. In memory only. */
export interface IssuedTokenCache {
  /** A token that may be returned as it is. */
  get(userKey: string): IssuedToken | undefined;
  /** A token whose identity must be found to exist first, because another instance may have deleted it. */
  getUnchecked(userKey: string): IssuedToken | undefined;
  add(userKey: string, token: IssuedToken): void;
  /** The identity of the token existed at that time, in `performance.now()`. */
  confirm(userKey: string, checkedAt: number): void;
  /** The identity could not be checked: the token may be returned for a short while before the next attempt. */
  postponeCheck(userKey: string): void;
  delete(userKey: string): void;
}

export interface IssuedTokenCacheOptions {
  /** 0 disables reuse. */
  reuseInMinutes: number;
  size: number;
  /** How long a token is returned without a check of its identity; undefined: always. */
  checkAfterInMs?: number | undefined;
}

const minute = 60_000;
/** Clients refresh a token 10 minutes before its expiry; a token with less than this would be refreshed immediately. */
const minRemainingLifetimeInMs = 15 * minute;
const postponementInMs = 5_000;

interface Entry {
  readonly token: IssuedToken;
  checkedAt: number;
}

export function createIssuedTokenCache({
  reuseInMinutes,
  size,
  checkAfterInMs,
}: IssuedTokenCacheOptions): IssuedTokenCache {
  const entries = new LRUCache<string, Entry>({ max: size });
  /** The cache uses the monotonic clock, which may stand still while the machine is suspended. */
  function find(userKey: string): Entry | undefined {
    const entry = entries.get(userKey);
    return entry && remainingLifetimeInMs(entry.token) >= minRemainingLifetimeInMs ? entry : undefined;
  }

  return {
    get(userKey) {
      const entry = find(userKey);
      if (!entry || checkAfterInMs === undefined) return entry?.token;
      return performance.now() - entry.checkedAt < checkAfterInMs ? entry.token : undefined;
    },
    getUnchecked: (userKey) => find(userKey)?.token,
    add(userKey, token) {
      const lifetimeInMs = remainingLifetimeInMs(token);
      const ttl = Math.floor(
        Math.min(reuseInMinutes * minute, lifetimeInMs / 2, lifetimeInMs - minRemainingLifetimeInMs),
      );
      if (ttl > 0) entries.set(userKey, { token, checkedAt: performance.now() }, { ttl });
      else entries.delete(userKey);
    },
    confirm(userKey, checkedAt) {
      const entry = entries.get(userKey);
      if (entry) entry.checkedAt = checkedAt;
    },
    postponeCheck(userKey) {
      const entry = entries.get(userKey);
      const interval = checkAfterInMs ?? 0;
      if (entry) entry.checkedAt = performance.now() - interval + Math.min(interval, postponementInMs);
    },
    delete: (userKey) => void entries.delete(userKey),
  };
}

function remainingLifetimeInMs({ expiresOn }: IssuedToken): number {
  return expiresOn.getTime() - Date.now();
}
