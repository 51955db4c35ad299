import { clientIdOf, type DecodedJwt, stringClaim } from './jwt';

/** What an access token must say to be let in. */
export interface AccessTokenPolicy {
  readonly tenantId: string;
  readonly audiences: readonly string[];
  readonly issuers: readonly string[];
  readonly requiredScope: string;
  /** Empty: any client application of the tenant. */
  readonly allowedClientIds: readonly string[];
  /** The scope to ask Entra for, to tell those who come with a token for something else. */
  readonly scopeToRequest: string;
}

/** Why a token is refused: `code` goes to the caller as `innererror.code`. */
export interface TokenProblem {
  readonly code: string;
  readonly message: string;
}

export interface TokenCheck {
  readonly name: string;
  /** A token that fails this check now will fail it later. */
  readonly permanent: boolean;
  readonly find: (
    jwt: DecodedJwt,
    policy: AccessTokenPolicy,
    nowInSeconds: number,
  ) => TokenProblem | undefined;
}

/** Microsoft's libraries allow five minutes between the clocks of issuer and API. */
export const clockSkewInSeconds = 300;

const graphAudiences = new Set(['00000003-0000-0000-c000-000000000000', 'https://graph.microsoft.com']);

/**
 * What makes a token invalid for this API (401), besides its signature. In the order in which a reader wants to know:
 * a token for Microsoft Graph cannot even be verified by others, so that its audience comes before all else.
 */
export const validityChecks: readonly TokenCheck[] = [
  {
    name: 'audience',
    permanent: true,
    find: ({ claims: { aud } }, { audiences, scopeToRequest }) => {
      if (typeof aud === 'string' && audiences.includes(aud)) return undefined;
      const advice = `Request one with the scope ${scopeToRequest}.`;
      if (typeof aud === 'string' && graphAudiences.has(aud.replace(/\/$/, ''))) {
        return problem(
          'token_for_graph',
          `The access token is for Microsoft Graph, not for this API. ${advice}`,
        );
      }
      return problem(
        'wrong_audience',
        `The access token is for another API (its aud is not this one). ${advice}`,
      );
    },
  },
  {
    name: 'tenant',
    permanent: true,
    find: (jwt, { tenantId }) =>
      stringClaim(jwt, 'tid')?.toLowerCase() === tenantId
        ? undefined
        : problem(
            'wrong_tenant',
            'The access token is not of the tenant that this API serves (tid). Sign in to that tenant.',
          ),
  },
  {
    name: 'issuer',
    permanent: true,
    find: ({ claims: { iss } }, { issuers }) =>
      typeof iss === 'string' && issuers.includes(iss)
        ? undefined
        : problem(
            'wrong_issuer',
            'The access token was not issued by the Microsoft Entra tenant of this API (iss).',
          ),
  },
  {
    name: 'expiry',
    permanent: true,
    find: ({ claims: { exp } }, _policy, now) => {
      if (typeof exp !== 'number') return problem('no_expiry', 'The access token has no expiry time (exp).');
      return now < exp + clockSkewInSeconds
        ? undefined
        : problem(
            'token_expired',
            `The access token expired at ${iso(exp)}. Get a new one from Microsoft Entra ID.`,
          );
    },
  },
  {
    name: 'start',
    permanent: false,
    find: ({ claims: { nbf, exp } }, _policy, now) => {
      if (nbf === undefined) return undefined;
      if (typeof nbf !== 'number' || nbf >= Number(exp))
        return problem('malformed_token', 'The access token has a malformed start time (nbf).');
      return nbf < now + clockSkewInSeconds
        ? undefined
        : problem(
            'token_not_yet_valid',
            `The access token is not valid before ${iso(nbf)}. Compare the clocks.`,
          );
    },
  },
  {
    name: 'algorithm',
    permanent: true,
    find: ({ header: { alg, typ, crit } }) => {
      if (alg !== 'RS256')
        return problem(
          'wrong_algorithm',
          'The access token is not signed with RS256, as Microsoft Entra ID does.',
        );
      if (typ !== 'JWT')
        return problem(
          'malformed_token',
          'The access token does not have the type JWT, as those of Microsoft Entra ID do.',
        );
      return crit === undefined
        ? undefined
        : problem('malformed_token', 'The access token demands an extension (crit) that is not supported.');
    },
  },
  {
    name: 'key id',
    permanent: true,
    find: ({ header: { kid } }) =>
      typeof kid === 'string' && kid !== ''
        ? undefined
        : problem('unknown_key', 'The access token does not name the key that signed it (kid).'),
  },
  {
    name: 'object id',
    permanent: true,
    find: (jwt) =>
      /^[0-9a-f-]{36}$/i.test(stringClaim(jwt, 'oid') ?? '')
        ? undefined
        : problem('no_object_id', 'The access token does not say who the user is (oid).'),
  },
];

/** What a valid token may still lack to be allowed in (403). The code is the error code of the answer. */
export const permissionChecks: readonly (TokenCheck & {
  readonly code: 'app_only_token' | 'insufficient_scope' | 'client_not_allowed';
})[] = [
  {
    name: 'user token',
    permanent: true,
    code: 'app_only_token',
    find: (jwt) => {
      const noUser =
        jwt.claims.idtyp === 'app' || (jwt.claims.scp === undefined && jwt.claims.roles !== undefined);
      const isServicePrincipal =
        jwt.claims.scp === undefined && stringClaim(jwt, 'oid') === stringClaim(jwt, 'sub');
      return noUser || isServicePrincipal
        ? problem(
            'app_only_token',
            'The access token is of an application without a user. Sign a user in: this API acts for users only.',
          )
        : undefined;
    },
  },
  {
    name: 'scope',
    permanent: true,
    code: 'insufficient_scope',
    find: (jwt, { requiredScope, scopeToRequest }) =>
      stringClaim(jwt, 'scp')?.split(' ').includes(requiredScope)
        ? undefined
        : problem(
            'insufficient_scope',
            `The access token lacks the delegated scope ${requiredScope}. Request it as ${scopeToRequest}.`,
          ),
  },
  {
    name: 'client application',
    permanent: true,
    code: 'client_not_allowed',
    find: (jwt, { allowedClientIds }) =>
      allowedClientIds.length === 0 || allowedClientIds.includes(clientIdOf(jwt) ?? '')
        ? undefined
        : problem(
            'client_not_allowed',
            'The client application that got the access token may not call this API. Its operator can add it to ALLOWED_CLIENT_IDS.',
          ),
  },
];

/** What a token can be refused for (401) before and after its claims are looked at. */
export const malformedProblem = problem('malformed_token', 'The access token is not a JSON Web Token.');
export const signatureProblems = {
  unknownKey: problem(
    'unknown_key',
    'Microsoft Entra ID has no key of that id (kid): the access token is of another cloud or tenant, or forged.',
  ),
  badSignature: problem('bad_signature', 'The signature of the access token is wrong.'),
} as const;

/** The first problem that any of the checks finds. */
export function firstProblem<Check extends TokenCheck>(
  checks: readonly Check[],
  jwt: DecodedJwt,
  policy: AccessTokenPolicy,
  nowInSeconds: number,
): { check: Check; problem: TokenProblem } | undefined {
  for (const check of checks) {
    const found = check.find(jwt, policy, nowInSeconds);
    if (found) return { check, problem: found };
  }
  return undefined;
}

function problem(code: string, message: string): TokenProblem {
  return { code, message };
}

function iso(seconds: number): string {
  const milliseconds = seconds * 1_000;
  return Math.abs(milliseconds) < 8.64e15 ? new Date(milliseconds).toISOString() : 'an impossible time';
}
