import { type Clock } from './clock';
import { communicationResource, managedIdentities, manageUsersRole, offboardingJob } from './seed';

/** At most `count` calls in each window; beyond it 429, with Retry-After if asked for. */
export interface Limit {
  count: number;
  perSeconds: number;
  retryAfter: boolean;
}

/**
 * Where no document and no recording says what the real service does, or where it differs by tenant, the emulator
 * asks these switches. `reset()` puts them back.
 */
export interface Switches {
  /** Graph's status when an extension of that name exists already. */
  duplicateExtensionStatus: 400 | 409;
  /** What ACS answers when a token is asked for an identity that was deleted. */
  deletedIdentity: { status: number; code: string; message: string };
  deleteOfDeletedIdentityStatus: 204 | 404;
  /** ACS's status when a create names the customId of a living identity. */
  existingCustomIdStatus: 200 | 201;
  /** What a create gives for the customId of a deleted identity: a new one, the old id again, or `deletedIdentity`. */
  deletedCustomId: 'new_identity' | 'old_identity' | 'gone';
  /** Object ids of the managed identities and applications that hold the role at the communication resource. */
  communicationRoleHolders: Set<string>;
  /** The access keys of the communication resource: two while one is rotated. */
  accessKeys: string[];
  /** The communication resource takes no access key, but only tokens of Entra. */
  accessKeysDisabled: boolean;
  /** How long the tokens of managed identities live; MSAL keeps none that ends within five minutes. */
  managedIdentityTokenLifetimeInSeconds: number;
  /** Application permissions on Graph, by the object id of the managed identity or service principal that has them. */
  graphApplicationPermissions: Record<string, readonly string[]>;
  /** Application roles of AuthServer, by the object id of the user or service principal that has them. */
  apiApplicationRoles: Record<string, readonly string[]>;
  /** What ACS answers to a Teams exchange for a user without a Teams licence. */
  unlicensedTeamsUser: { status: number; code: string; message: string };
  /** For so long after a write, Graph's reads still show what was there before. */
  replicaLagInMs: number;
  /** Extensions in Graph's replies carry `id` but no `extensionName`. */
  onlyIdInExtensions: boolean;
  /** PATCH of an extension answers 200 with the extension, not 204. */
  patchAnswersBody: boolean;
  createLimit?: Limit | undefined;
  issueLimit?: Limit | undefined;
  exchangeLimit?: Limit | undefined;
  /** Open extensions and users together, as Graph counts them. */
  graphLimit?: Limit | undefined;
  /** Object ids whose On-Behalf-Of is refused until they signed in with the claims that the refusal asks for. */
  requireMfaFor: Set<string>;
  mfaError: 50076 | 50079;
  /** Object ids whose On-Behalf-Of is refused until they signed in with prompt=consent. */
  consentRequiredFor: Set<string>;
  /** Object ids whose Graph calls are answered with a claims challenge. */
  graphRejectsWithClaims: Set<string>;
  /** Object ids of users who count as without a Teams licence. */
  teamsLicenceWithdrawnFrom: Set<string>;
  /**
   * A client assertion by certificate is good for one request. Off, since MSAL sends the same one for ten minutes and
   * works against Entra.
   */
  refuseReplayedAssertions: boolean;
  /** The format of access tokens for the API that sign-ins yield (its registration's accessTokenAcceptedVersion). */
  accessTokenVersion: 1 | 2;
  /** How far the services' clock runs ahead of this machine's. */
  clockOffsetInMs: number;
  /**
   * For load tests: ID tokens of On-Behalf-Of replies and communication tokens get a signature of the right length
   * that nobody can verify. An RSA signature costs more than all the rest of a call.
   */
  cheapSignatures: boolean;
}

function defaults(): Switches {
  return {
    duplicateExtensionStatus: 400,
    deletedIdentity: { status: 404, code: 'IdentityNotFound', message: "Provided identity doesn't exist." },
    deleteOfDeletedIdentityStatus: 204,
    existingCustomIdStatus: 201,
    deletedCustomId: 'new_identity',
    communicationRoleHolders: new Set(
      managedIdentities.filter(({ holdsRole }) => holdsRole).map(({ objectId }) => objectId),
    ),
    accessKeys: [communicationResource.accessKey],
    accessKeysDisabled: false,
    managedIdentityTokenLifetimeInSeconds: 24 * 3600,
    graphApplicationPermissions: {},
    apiApplicationRoles: { [offboardingJob.servicePrincipalId]: [manageUsersRole] },
    unlicensedTeamsUser: { status: 403, code: 'Forbidden', message: 'The user is not licensed for Teams.' },
    replicaLagInMs: 0,
    onlyIdInExtensions: false,
    patchAnswersBody: false,
    createLimit: undefined,
    issueLimit: undefined,
    exchangeLimit: undefined,
    graphLimit: undefined,
    requireMfaFor: new Set(),
    mfaError: 50076,
    consentRequiredFor: new Set(),
    graphRejectsWithClaims: new Set(),
    teamsLicenceWithdrawnFrom: new Set(),
    refuseReplayedAssertions: false,
    accessTokenVersion: 2,
    clockOffsetInMs: 0,
    cheapSignatures: false,
  };
}

/** The switches object keeps its identity over a reset, so that everyone may hold on to it. */
export function createSwitches(): { switches: Switches; clock: Clock; reset: () => void } {
  const switches = defaults();
  return {
    switches,
    clock: () => Date.now() + switches.clockOffsetInMs,
    reset: () => void Object.assign(switches, defaults()),
  };
}
