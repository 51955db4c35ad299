import type { Log } from '../../log';
import type { HttpClient } from '../../resilience/httpClient';
import type { UpstreamName } from '../../resilience/upstreamError';
import type { Timings } from '../../timings';
import { AuthenticatedUser, userKeyOf } from '../authenticatedUser';
import { createChallenges } from '../challenge';
import type { IdentityProvider, InvalidToken, ReceivedToken } from '../identityProvider';
import { type DecodedJwt, rolesOf } from '../jwt';
import { createPassportCheck } from '../passportCheck';
import { requirePermission } from '../requirePermission';
import {
  badSignatureProblem,
  findInvalidClaim,
  malformedProblem,
  type PermissionCheck,
  problem,
  unknownKeyProblem,
} from '../tokenChecks';
import {
  clientCheck,
  type OidcPolicy,
  oidcClientIdOf,
  permissionChecks,
  userIdOf,
  validityChecksOf,
} from './accessTokenChecks';
import { JoseBearerStrategy, type JoseRejection } from './joseStrategy';
import { createOidcMetadata, type OidcMetadataPolicy } from './oidcMetadata';

/** All that distinguishes one provider of this kind from another. */
export interface OidcProviderPolicy extends OidcPolicy, OidcMetadataPolicy {
  readonly name: string;
  readonly upstream: UpstreamName;
  /** The realm of challenges. */
  readonly realm: string;
  readonly authorizationUri?: string | undefined;
  readonly issuesOpaqueTokens: boolean;
}

/** What providers share. */
export interface ProviderParts {
  readonly http: HttpClient;
  readonly timings: Timings['signingKeys'];
  readonly log: Log;
}

/** Any provider of JWT access tokens that publishes its keys by OpenID Connect Discovery; jose verifies the tokens. */
export function createOidcProvider(policy: OidcProviderPolicy, parts: ProviderParts): IdentityProvider {
  const { name, issuerName, issuers } = policy;
  const metadata = createOidcMetadata({ ...policy, ...parts });
  const challenges = createChallenges(policy);
  const validityChecks = validityChecksOf(policy);
  const checkByPassport = createPassportCheck(
    new JoseBearerStrategy({ ...policy, current: metadata.current }),
  );

  const findInvalid = (jwt: DecodedJwt): InvalidToken | undefined =>
    findInvalidClaim(validityChecks, jwt, policy);

  /** Claims come first, so that only plausible tokens cost a signature check. */
  async function findProblem({ jwt, request, response }: ReceivedToken): Promise<InvalidToken | undefined> {
    const invalid = findInvalid(jwt);
    if (invalid) return invalid;
    if ((await metadata.keysWithId(String(jwt.header.kid))).length === 0)
      return { problem: unknownKeyProblem(jwt, issuerName), permanent: false };
    const reason = await checkByPassport(request, response);
    if (reason === undefined) return undefined;
    // Its lifetime may have ended since.
    return findInvalid(jwt) ?? { problem: joseProblem(reason as JoseRejection, policy), permanent: true };
  }

  function createUser({ jwt, accessToken, accessTokenHash }: ReceivedToken): AuthenticatedUser {
    // From the settings, not from the token: an issuer with two names is still the same issuer.
    const [issuer = ''] = issuers;
    const subject = userIdOf(jwt, policy);
    return new AuthenticatedUser({
      key: userKeyOf(issuer, subject),
      issuer,
      subject,
      clientId: oidcClientIdOf(jwt),
      roles: policy.hasApplicationRoles ? rolesOf(jwt) : [],
      expiresAt: Number(jwt.claims.exp),
      accessToken,
      accessTokenHash,
    });
  }

  async function verifyWith(
    checks: readonly PermissionCheck<OidcPolicy>[],
    token: ReceivedToken,
  ): Promise<AuthenticatedUser | InvalidToken> {
    const invalid = await findProblem(token);
    if (invalid) return invalid;
    return requirePermission(createUser(token), token, { checks, policy, challenges });
  }

  return {
    name,
    issuerName,
    issuesOpaqueTokens: policy.issuesOpaqueTokens,
    challenges,
    issues: (issuer) => typeof issuer === 'string' && issuers.includes(issuer),
    verify: (token) => verifyWith(permissionChecks, token),
    identify: (token) => verifyWith([clientCheck], token),
    start: () => metadata.start(),
    stop: () => metadata.stop(),
    isReady: () => metadata.current() !== undefined,
    load: () => metadata.metadata(),
    onKeysChanged: (listener) => metadata.onKeysChanged(listener),
  };
}

export function joseProblem(rejection: JoseRejection, { issuerName, algorithms }: OidcPolicy) {
  switch (rejection) {
    case 'bad signature':
      return badSignatureProblem;
    case 'wrong algorithm':
      return problem(
        'wrong_algorithm',
        `The access token's algorithm (alg) does not fit its key, or is not ${algorithms.join(' or ')}.`,
      );
    case 'malformed':
      return malformedProblem(issuerName, []);
  }
}
