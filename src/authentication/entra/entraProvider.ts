import type { EntraProviderConfig } from '../../config/providers';
import { AuthenticatedUser, entraUserKeyOf } from '../authenticatedUser';
import { type ChallengeOptions, createChallenges } from '../challenge';
import type { IdentityProvider, InvalidToken, ReceivedToken } from '../identityProvider';
import { clientIdOf, type DecodedJwt, isSignedBy, rolesOf, stringClaim } from '../jwt';
import { createPassportCheck } from '../passportCheck';
import { requirePermission } from '../requirePermission';
import { requiredScope } from '../requiredScope';
import {
  badSignatureProblem,
  findInvalidClaim,
  type PermissionCheck,
  unknownKeyProblem,
} from '../tokenChecks';
import { type AccessTokenPolicy, clientCheck, permissionChecks, validityChecks } from './accessTokenChecks';
import { EntraBearerStrategy, unknownKey } from './bearerStrategy';
import type { EntraAuthority } from './entraAuthority';

export interface EntraProviderOptions extends EntraProviderConfig {
  authority: EntraAuthority;
}

/** The challenges of an API that is registered in Microsoft Entra ID. */
export function entraChallengeOptions({
  authorityHost,
  tenantId,
  clientId,
}: Pick<EntraProviderConfig, 'authorityHost' | 'tenantId' | 'clientId'>): ChallengeOptions {
  return {
    realm: `api://${clientId}`,
    authorizationUri: `${authorityHost}/${tenantId}/oauth2/v2.0/authorize`,
    requiredScope,
  };
}

/** @param issuers of the authority's metadata, once it has been loaded */
export function entraPolicy(
  { tenantId, clientId, audiences, allowedClientIds, allowedClientIdsSetting }: EntraProviderConfig,
  issuers: () => readonly string[],
): AccessTokenPolicy {
  return {
    tenantId,
    audiences,
    allowedClientIds,
    allowedClientIdsSetting,
    requiredScope,
    scopeToRequest: `api://${clientId}/${requiredScope}`,
    get issuers() {
      return issuers();
    },
  };
}

/** One tenant of Microsoft Entra ID. */
export function createEntraProvider(options: EntraProviderOptions): IdentityProvider {
  const { name, authority, authorityHost, tenantId, clientId, audiences } = options;
  const policy = entraPolicy(options, () => authority.current()?.issuers ?? []);
  const challenges = createChallenges(entraChallengeOptions(options));
  const checkByPassport = createPassportCheck(
    new EntraBearerStrategy({
      authority,
      discoveryUrl: `${authorityHost}/${tenantId}/v2.0/.well-known/openid-configuration`,
      clientId,
      audiences,
    }),
  );
  const unknownKeyIn = (jwt: DecodedJwt) => unknownKeyProblem(jwt, `tenant ${tenantId}`);

  const findInvalid = (jwt: DecodedJwt): InvalidToken | undefined =>
    findInvalidClaim(validityChecks, jwt, policy);

  /**
   * Finds problems without passport, which would take twice as long. Claims come first, so that only plausible tokens cost a signature
   * check. Does not wait if the key is cached.
   */
  async function findProblem({ jwt, accessToken }: ReceivedToken): Promise<InvalidToken | undefined> {
    const { signingKeys } = authority.current() ?? (await authority.metadata());
    const invalid = findInvalid(jwt);
    if (invalid) return invalid;
    const keyId = String(jwt.header.kid);
    const keys = signingKeys.get(keyId) ?? (await authority.keysWithId(keyId));
    if (keys.length === 0) return { problem: unknownKeyIn(jwt), permanent: false };
    return keys.some((key) => isSignedBy(key, accessToken))
      ? undefined
      : { problem: badSignatureProblem, permanent: true };
  }

  async function verifyWith(
    checks: readonly PermissionCheck<AccessTokenPolicy>[],
    token: ReceivedToken,
  ): Promise<AuthenticatedUser | InvalidToken> {
    const { request, response, jwt } = token;
    const invalid = await findProblem(token);
    if (invalid) return invalid;
    const reason = await checkByPassport(request, response);
    if (reason === unknownKey) return { problem: unknownKeyIn(jwt), permanent: false };
    // Everything that the strategy checks has been checked before, but its lifetime may have ended since.
    if (reason !== undefined) {
      const expired = findInvalid(jwt);
      if (expired) return expired;
      throw new Error('the bearer strategy rejected a token that had passed the same checks');
    }
    return requirePermission(createEntraUser(token), token, { checks, policy, challenges });
  }

  return {
    name,
    issuerName: 'Microsoft Entra ID',
    issuesOpaqueTokens: false,
    challenges,
    issues(issuer) {
      const metadata = authority.current();
      return metadata && typeof issuer === 'string' && metadata.issuers.includes(issuer);
    },
    verify: (token) => verifyWith(permissionChecks, token),
    identify: (token) => verifyWith([clientCheck], token),
    start: () => authority.start(),
    stop: () => authority.stop(),
    isReady: () => authority.current() !== undefined,
    load: () => authority.metadata(),
    onKeysChanged: (listener) => authority.onKeysChanged(listener),
  };
}

/** Identified by tenant id and object id only: names and email addresses can be reassigned. */
export function createEntraUser({
  jwt,
  accessToken,
  accessTokenHash,
}: Pick<ReceivedToken, 'jwt' | 'accessToken' | 'accessTokenHash'>): AuthenticatedUser {
  const tenantId = (stringClaim(jwt, 'tid') ?? '').toLowerCase();
  const objectId = (stringClaim(jwt, 'oid') ?? '').toLowerCase();
  return new AuthenticatedUser({
    key: entraUserKeyOf({ tenantId, objectId }),
    issuer: stringClaim(jwt, 'iss') ?? '',
    subject: objectId,
    clientId: clientIdOf(jwt),
    roles: rolesOf(jwt),
    expiresAt: Number(jwt.claims.exp),
    accessToken,
    accessTokenHash,
    entra: { tenantId, objectId },
  });
}
