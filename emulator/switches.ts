import { type Clock } from './clock';
import { communicationResource, managedIdentities, manageUsersRole, offboardingJob } from './seed';

/** At most `count` calls in each window; more get 429, with Retry-After if `retryAfter` is set. */
export interface Limit {
  count: number;
  perSeconds: number;
  retryAfter: boolean;
}

/** Behavior of the real services that is neither documented nor recorded, or that differs by tenant. `reset()` restores the defaults. */
export interface Switches {
  /** Graph's status if an extension with the name already exists. */
  duplicateExtensionStatus: 400 | 409;
  /** The response of ACS to a token request for a deleted identity. */
  deletedIdentity: { status: number; code: string; message: string };
  deleteOfDeletedIdentityStatus: 204 | 404;
  /** ACS's status for a create with the customId of an existing identity. */
  existingCustomIdStatus: 200 | 201;
  /** The result of a create with the customId of a deleted identity: a new identity, the old id again, or `deletedIdentity`. */
  deletedCustomId: 'new_identity' | 'old_identity' | 'gone';
  /** Object ids of the managed identities and applications that hold the role at the communication resource. */
  communicationRoleHolders: Set<string>;
  /** The access keys of the communication resource: two while one is rotated. */
  accessKeys: string[];
  /** The communication resource accepts only tokens of Entra, no access key. */
  accessKeysDisabled: boolean;
  /** The lifetime of managed identities' tokens. MSAL caches none that expires within five minutes. */
  managedIdentityTokenLifetimeInSeconds: number;
  /** Application permissions on Graph, by the object id of the managed identity or service principal that has them. */
  graphApplicationPermissions: Record<string, readonly string[]>;
  /** Application roles of AuthServer, by the object id of the user or service principal that has them. */
  apiApplicationRoles: Record<string, readonly string[]>;
  /** The response of ACS to a Teams exchange for a user without a Teams license. */
  unlicensedTeamsUser: { status: number; code: string; message: string };
  /** For this long after a write, Graph's reads return the previous state. */
  replicaLagInMs: number;
  /** Extensions in Graph's replies carry `id` but no `extensionName`. */
  onlyIdInExtensions: boolean;
  /** PATCH of an extension responds with 200 and the extension, not with 204. */
  patchAnswersBody: boolean;
  createLimit?: Limit | undefined;
  issueLimit?: Limit | undefined;
  exchangeLimit?: Limit | undefined;
  /** For calls to open extensions and users together, as Graph counts them. */
  graphLimit?: Limit | undefined;
  /** Object ids whose On-Behalf-Of fails until they have signed in with the claims that the error requires. */
  requireMfaFor: Set<string>;
  mfaError: 50076 | 50079;
  /** Object ids whose On-Behalf-Of fails until they have signed in with prompt=consent. */
  consentRequiredFor: Set<string>;
  /** Object ids whose Graph calls fail with a claims challenge. */
  graphRejectsWithClaims: Set<string>;
  /** Object ids of users who are treated as having no Teams license. */
  teamsLicenceWithdrawnFrom: Set<string>;
  /**
   * A client assertion by certificate is valid for one request only. Off by default, because MSAL reuses an assertion for ten minutes,
   * which Entra accepts.
   */
  refuseReplayedAssertions: boolean;
  /** The version of the API's access tokens from sign-ins (accessTokenAcceptedVersion of its registration). */
  accessTokenVersion: 1 | 2;
  /** How far the services' clock runs ahead of this machine's. */
  clockOffsetInMs: number;
  /**
   * For load tests: ID tokens of On-Behalf-Of replies and communication tokens get a signature of the right length that cannot be verified.
   * An RSA signature takes more CPU than the rest of a call.
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

/** `reset()` keeps the same switches object, so that callers can keep a reference to it. */
export function createSwitches(): { switches: Switches; clock: Clock; reset: () => void } {
  const switches = defaults();
  return {
    switches,
    clock: () => Date.now() + switches.clockOffsetInMs,
    reset: () => void Object.assign(switches, defaults()),
  };
}
