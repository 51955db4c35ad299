import { printable } from '../errors';
import { clientIdOf, type DecodedJwt, stringClaim } from './jwt';

/** The values that an access token must have to be accepted. */
export interface AccessTokenPolicy {
  readonly tenantId: string;
  readonly audiences: readonly string[];
  readonly issuers: readonly string[];
  readonly requiredScope: string;
  /** Empty: any client application of the tenant. */
  readonly allowedClientIds: readonly string[];
  /** The scope to request from Entra; named in messages about a token for something else. */
  readonly scopeToRequest: string;
}

/** Why a token is rejected: `code` goes to the caller as `innererror.code`. */
export interface TokenProblem {
  readonly code: string;
  readonly message: string;
}

export interface TokenCheck {
  readonly name: string;
  /** A token that fails this check will always fail it, so the result can be cached. */
  readonly permanent: boolean;
  readonly find: (
    jwt: DecodedJwt,
    policy: AccessTokenPolicy,
    nowInSeconds: number,
  ) => TokenProblem | undefined;
}

/** Five minutes, as in Microsoft's libraries. */
export const clockSkewInSeconds = 300;

const asIssued = 'Send it as Microsoft Entra ID issued it.';

const graphAudiences = new Set(['00000003-0000-0000-c000-000000000000', 'https://graph.microsoft.com']);

/**
 * What makes a token invalid for this API (401), besides its signature; the most helpful answer first. The audience
 * comes first, because only Microsoft Graph itself can verify a token for Microsoft Graph.
 */
export const validityChecks: readonly TokenCheck[] = [
  {
    name: 'audience',
    permanent: true,
    find: (jwt, { audiences, scopeToRequest }) => {
      const { aud } = jwt.claims;
      if (typeof aud === 'string' && audiences.includes(aud)) return undefined;
      const advice = `Request an access token with the scope ${scopeToRequest}.`;
      if (typeof aud === 'string' && graphAudiences.has(aud.replace(/\/$/, ''))) {
        return problem(
          'token_for_graph',
          `The access token is for Microsoft Graph, not for this API (aud). ${advice}`,
        );
      }
      return problem(
        'wrong_audience',
        looksLikeIdToken(jwt)
          ? `This looks like an ID token, which is for the client only (aud). ${advice}`
          : `The access token is for another API (aud). ${advice}`,
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
            'The access token is from another tenant than the one this API serves (tid). Sign in to that tenant.',
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
            'The access token was not issued by the Microsoft Entra tenant of this API (iss). Check the authority that your app signs in with.',
          ),
  },
  {
    name: 'expiry',
    permanent: true,
    find: ({ claims: { exp } }, _policy, now) => {
      if (typeof exp !== 'number')
        return problem('no_expiry', `The access token has no expiry time (exp). ${asIssued}`);
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
        return problem('malformed_token', `The access token has an invalid start time (nbf). ${asIssued}`);
      return nbf < now + clockSkewInSeconds
        ? undefined
        : problem(
            'token_not_yet_valid',
            `The access token is not valid before ${iso(nbf)}. Check the clocks of this server and of the client.`,
          );
    },
  },
  {
    name: 'algorithm',
    permanent: true,
    find: ({ header: { alg, typ, crit } }) => {
      if (alg !== 'RS256')
        return problem('wrong_algorithm', `The access token is not signed with RS256 (alg). ${asIssued}`);
      if (typ !== 'JWT')
        return problem('malformed_token', `The access token does not have the type JWT (typ). ${asIssued}`);
      return crit === undefined
        ? undefined
        : problem(
            'malformed_token',
            `The access token requires an unsupported extension (crit). ${asIssued}`,
          );
    },
  },
  {
    name: 'key id',
    permanent: true,
    find: ({ header: { kid } }) =>
      typeof kid === 'string' && kid !== ''
        ? undefined
        : problem('unknown_key', `The access token has no signing key ID (kid). ${asIssued}`),
  },
  {
    name: 'object id',
    permanent: true,
    find: (jwt) =>
      /^[0-9a-f-]{36}$/i.test(stringClaim(jwt, 'oid') ?? '')
        ? undefined
        : problem('no_object_id', `The access token has no valid user object ID (oid). ${asIssued}`),
  },
];

/** What a valid token may still lack (403). `code` is the error code of the response. */
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
            'This is an app-only token. Sign in a user and send a delegated access token.',
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
            `The access token lacks the delegated scope ${requiredScope}. Request ${scopeToRequest}.`,
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
            'The client application of the access token is not allowed to call this API. The operator of this API can add its client ID to ALLOWED_CLIENT_IDS.',
          ),
  },
];

export const malformedProblem = problem(
  'malformed_token',
  `The access token is not a JSON Web Token. ${asIssued}`,
);
export const signatureProblems = {
  badSignature: problem(
    'bad_signature',
    'Invalid signature. Get a new access token; do not edit or truncate it.',
  ),
} as const;

const maxKeyIdLength = 64;

export function unknownKeyProblem({ header }: DecodedJwt, tenantId: string): TokenProblem {
  return problem(
    'unknown_key',
    `Signing key "${printable(String(header.kid), maxKeyIdLength)}" (kid) not found for tenant ${tenantId}. ` +
      'Check the authority that your app signs in with.',
  );
}

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

/** An ID token has neither permissions nor a client application, other than access tokens. */
function looksLikeIdToken(jwt: DecodedJwt): boolean {
  const { scp, roles } = jwt.claims;
  return scp === undefined && roles === undefined && clientIdOf(jwt) === undefined;
}

function problem(code: string, message: string): TokenProblem {
  return { code, message };
}

function iso(seconds: number): string {
  const milliseconds = seconds * 1_000;
  return Math.abs(milliseconds) < 8.64e15 ? new Date(milliseconds).toISOString() : 'an invalid time';
}
