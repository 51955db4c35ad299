import { LRUCache } from 'lru-cache';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import { type Deadline, withDeadline, withSignal } from '../resilience/deadline';
import { createKeyedMutex } from '../resilience/keyedMutex';
import type { PendingWork } from '../resilience/pendingWork';
import { createSingleFlight } from '../resilience/singleFlight';
import { UpstreamError } from '../resilience/upstreamError';
import type { AcsIdentityClient } from '../acs/acsIdentityClient';
import type { IdentityLifecycle, UserIdentity } from './identityLifecycle';
import type { Telemetry } from '../telemetry/telemetry';
import type { IssuedToken, IssuedTokenCache } from '../tokens/issuedTokenCache';

/** What callers may do with their own communication user. `caller` aborts when the caller disconnects or its time is up. */
export interface CommunicationUsers {
  /** A token that was issued to this user recently, without any remote call. */
  findReusableToken(user: AuthenticatedUser): IssuedToken | undefined;
  /** A token for the user's identity, which is created on first use. `fresh`: newly issued, never one from memory. */
  issueToken(user: AuthenticatedUser, options: { fresh: boolean }, caller: AbortSignal): Promise<IssuedToken>;
  findUser(user: AuthenticatedUser, caller: AbortSignal): Promise<string | undefined>;
  findOrCreateUser(
    user: AuthenticatedUser,
    caller: AbortSignal,
  ): Promise<{ communicationUserId: string; created: boolean }>;
  deleteUser(user: AuthenticatedUser, caller: AbortSignal): Promise<void>;
}

export interface CommunicationUsersOptions {
  lifecycle: IdentityLifecycle;
  acs: AcsIdentityClient;
  issuedTokens: IssuedTokenCache;
  pendingWork: Pick<PendingWork, 'add'>;
  mappingCacheSize: number;
  /** 0 disables the cache of mappings. */
  mappingCacheMinutes: number;
  workTimeLimitInMs: number;
  telemetry?: Telemetry | undefined;
  /** The time limit for checking whether the identity of a token still exists. */
  reuseCheckInMs: number;
}

/** Other instances may delete the identity again and again while its token is requested. */
const maxReplacements = 3;

export function createCommunicationUsers(options: CommunicationUsersOptions): CommunicationUsers {
  const { lifecycle, acs, issuedTokens, pendingWork, workTimeLimitInMs, telemetry } = options;
  const serialize = createKeyedMutex();
  const coalesceToken = createSingleFlight<IssuedToken>(workTimeLimitInMs);
  const coalesceUser = createSingleFlight<{ communicationUserId: string; created: boolean }>(
    workTimeLimitInMs,
  );

  /** A mapping changes only by deletion. A stale one is detected when ACS refuses to issue a token for its identity. */
  const mappings = new LRUCache<string, string>({
    max: options.mappingCacheSize,
    ttl: Math.max(1, options.mappingCacheMinutes * 60_000),
  });
  const cacheMapping = (user: AuthenticatedUser, communicationUserId: string) => {
    // A mapping that is cached already keeps its age: it must be read again after a while, however busy the user is.
    const known = mappings.get(user.key) === communicationUserId;
    if (options.mappingCacheMinutes > 0 && !known) mappings.set(user.key, communicationUserId);
  };
  const evict = (user: AuthenticatedUser) => {
    mappings.delete(user.key);
    issuedTokens.delete(user.key);
  };

  /** A token that was issued before, if its identity still exists: another instance may have deleted it. */
  async function findCheckedToken(
    user: AuthenticatedUser,
    deadline: Deadline,
    acceptNoMoreCallers: () => void,
  ): Promise<IssuedToken | undefined> {
    const candidate = issuedTokens.getUnchecked(user.key);
    if (!candidate) return undefined;
    // Another instance may delete the identity from here on.
    acceptNoMoreCallers();
    const startedAt = performance.now();
    let current: string | undefined;
    try {
      current = await withDeadline(options.reuseCheckInMs, deadline.signal, (limit) =>
        lifecycle.find(user, undefined, limit),
      );
    } catch (error) {
      if (deadline.signal.aborted || !(error instanceof UpstreamError)) throw error;
      // Known users are served while the store is down.
      issuedTokens.postponeCheck(user.key);
      return candidate;
    }
    if (current === candidate.communicationUserId) {
      issuedTokens.confirm(user.key, startedAt);
      return candidate;
    }
    evict(user);
    return undefined;
  }

  /** Callers with the same access token share an in-flight request: Entra may treat another token of the user differently. */
  const inFlightKey = (user: AuthenticatedUser, kind = '') => `${user.accessTokenHash}${kind}`;

  return {
    findReusableToken(user) {
      const token = issuedTokens.get(user.key);
      telemetry?.countLookup('issued_tokens', token !== undefined);
      if (token) telemetry?.count('token_reused');
      return token;
    },

    issueToken: (user, { fresh }, caller) =>
      coalesceToken(inFlightKey(user, fresh ? ' fresh' : ''), caller, (deadline, acceptNoMoreCallers) =>
        serialize(user.key, deadline, async () => {
          const reusable = fresh
            ? undefined
            : (issuedTokens.get(user.key) ?? (await findCheckedToken(user, deadline, acceptNoMoreCallers)));
          if (reusable) {
            telemetry?.count('token_reused');
            return reusable;
          }

          const known = mappings.get(user.key);
          telemetry?.countLookup('mappings', known !== undefined);
          let identity: UserIdentity = known
            ? { communicationUserId: known, created: false }
            : await lifecycle.findOrCreate(user, {
                withToken: true,
                deadline,
                beforeCreation: acceptNoMoreCallers,
              });
          // Another instance may delete the identity while its token is being issued, so a later caller needs a later token.
          acceptNoMoreCallers();
          for (let replacements = 0; ; replacements += 1) {
            const { communicationUserId } = identity;
            const token = identity.token ?? (await acs.issueToken(communicationUserId, deadline));
            if (typeof token !== 'string') {
              const issued = { communicationUserId, token: token.token, expiresOn: token.expiresOn };
              cacheMapping(user, communicationUserId);
              issuedTokens.add(user.key, issued);
              telemetry?.count('token_issued');
              return issued;
            }
            evict(user);
            if (replacements === maxReplacements) throw allIdentitiesGone();
            identity = await lifecycle.replace(user, communicationUserId, token, deadline);
            if (identity.created) telemetry?.count('identity_replaced');
          }
        }),
      ),

    // Reads the store, not the cache: callers use this to see what is stored. They do not share a read, since one that is in flight may not
    // show what a caller has received since.
    async findUser(user, caller) {
      const lastKnown = mappings.get(user.key);
      const found = await withDeadline(workTimeLimitInMs, caller, (deadline) =>
        lifecycle.find(user, lastKnown, deadline),
      );
      // Another instance has deleted the identity, unless this instance has created a new one since.
      if (found === undefined && mappings.get(user.key) === lastKnown) evict(user);
      return found;
    },

    async findOrCreateUser(user, caller) {
      const shared = await coalesceUser(inFlightKey(user), caller, (deadline, acceptNoMoreCallers) =>
        serialize(user.key, deadline, async () => {
          // Another instance may delete the identity that is read from here on before a later caller arrives.
          acceptNoMoreCallers();
          const { communicationUserId, created } = await lifecycle.findOrCreate(user, {
            withToken: false,
            deadline,
          });
          cacheMapping(user, communicationUserId);
          return { communicationUserId, created };
        }),
      );
      const { communicationUserId, created } = shared;
      // Only one of the callers that share the flight learns of the creation; for the others the identity exists.
      shared.created = false;
      return { communicationUserId, created };
    },

    deleteUser(user, caller) {
      const known = mappings.get(user.key);
      evict(user);
      // Callers do not share a deletion: one in flight may have found nothing to delete before another instance created the identity that
      // this caller knows. Once begun it continues without the caller, so that it is not left half done.
      const deletion = withDeadline(workTimeLimitInMs, undefined, (deadline) =>
        serialize(user.key, deadline, async () => {
          const concurrentlyCached = mappings.get(user.key);
          evict(user);
          await lifecycle.delete(user, concurrentlyCached ?? known, deadline);
        }),
      );
      return withSignal(pendingWork.add(deletion), caller);
    },
  };
}

const allIdentitiesGone = () =>
  new UpstreamError('Azure Communication Services', 'issue token', {
    transportFailure: 'invalid_response',
    message: 'each identity of the user was reported as gone',
  });
