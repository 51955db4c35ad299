import type { AcsIdentityClient } from '../../acs/acsIdentityClient';
import type { CustomIdClient, CustomIdentity } from '../../acs/customIdClient';
import type { AuthenticatedUser } from '../../authentication/authenticatedUser';
import { ApiError } from '../../errors';
import type { Deadline } from '../../resilience/deadline';
import type { Telemetry } from '../../telemetry/telemetry';
import type { IdentityLifecycle, UserIdentity } from '../identityLifecycle';
import { customIdOf } from './customId';

export interface CustomIdLifecycleOptions {
  identities: CustomIdClient;
  acs: Pick<AcsIdentityClient, 'deleteUser'>;
  key: Buffer;
  telemetry?: Telemetry | undefined;
}

/**
 * The lifecycle without a store: Communication Services itself keeps which identity a user has, by custom id. ACS cannot look up an
 * identity without creating it, so an identity counts as existing once it has had a token. Until then it is unused, and waits for the
 * user's first use.
 */
export function createCustomIdLifecycle({
  identities,
  acs,
  key,
  telemetry,
}: CustomIdLifecycleOptions): IdentityLifecycle {
  const findOrCreate = (user: AuthenticatedUser, withToken: boolean, deadline: Deadline) =>
    identities.findOrCreate(customIdOf(user, key), { withToken, deadline });

  async function withFirstToken(user: AuthenticatedUser, deadline: Deadline): Promise<CustomIdentity> {
    const identity = await findOrCreate(user, true, deadline);
    if (identity === 'gone') throw permanentlyDeletedError();
    // An identity counts as created with its first token, which only one caller gets.
    if (!identity.issuedBefore) telemetry?.count('identity_created');
    return identity;
  }

  return {
    async find(user, _lastKnown, deadline) {
      const identity = await findOrCreate(user, false, deadline);
      return identity !== 'gone' && identity.issuedBefore ? identity.communicationUserId : undefined;
    },

    async findOrCreate(user, { withToken, deadline, beforeCreation }) {
      beforeCreation?.();
      if (withToken) return created(await withFirstToken(user, deadline));
      const identity = await findOrCreate(user, false, deadline);
      if (identity === 'gone') throw permanentlyDeletedError();
      const { communicationUserId } = identity;
      if (identity.issuedBefore) return { communicationUserId, created: false };
      return created(await withFirstToken(user, deadline));
    },

    async replace(user, unusable, _reason, deadline) {
      const identity = await withFirstToken(user, deadline);
      const isUnusable = identity.communicationUserId === unusable && identity.token === undefined;
      if (isUnusable) throw permanentlyDeletedError();
      return created(identity);
    },

    async delete(user, _lastKnown, deadline) {
      const identity = await findOrCreate(user, false, deadline);
      // There is nothing left to delete.
      if (identity === 'gone') return;
      const deleted = await acs.deleteUser(identity.communicationUserId, deadline);
      if (deleted === 'deleted' && identity.issuedBefore) telemetry?.count('identity_deleted');
    },
  };
}

/** A response with a token does not show whether the identity is new. The callers that request a token do not need to know. */
function created({ communicationUserId, token }: CustomIdentity): UserIdentity {
  return { communicationUserId, token, created: true };
}

function permanentlyDeletedError(): ApiError {
  return new ApiError(
    'upstream_refused',
    'Your communication identity was deleted, and Azure Communication Services does not make a new one for the same custom id. ' +
      "The server's operator must use another identity store (IDENTITY_STORE), or another IDENTITY_MAPPING_KEY, which gives all users new identities.",
    { innererror: { code: 'custom_id_gone' } },
  );
}
