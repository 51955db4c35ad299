import { clientIdOf, type DecodedJwt, stringClaim } from '../jwt';
import {
  appOnlyProblem,
  clientNotAllowedProblem,
  keyIdCheck,
  lifetimeChecks,
  missingScopeProblem,
  type PermissionCheck,
  problem,
  type TokenCheck,
} from '../tokenChecks';

/** The values that an access token must have to be accepted. */
export interface AccessTokenPolicy {
  readonly tenantId: string;
  readonly audiences: readonly string[];
  readonly issuers: readonly string[];
  readonly requiredScope: string;
  /** Empty: any client application of the tenant. */
  readonly allowedClientIds: readonly string[];
  /** The setting that lists them. */
  readonly allowedClientIdsSetting: string;
  /** The scope to request from Entra; named in messages about a token for something else. */
  readonly scopeToRequest: string;
}

const issuer = 'Microsoft Entra ID';
const asIssued = `Send it as ${issuer} issued it.`;

const graphAudiences = new Set(['00000003-0000-0000-c000-000000000000', 'https://graph.microsoft.com']);

/**
 * What makes a token invalid for this API (401), other than its signature; the most helpful error first. The audience
 * comes first, because only Microsoft Graph itself can verify a token for Microsoft Graph.
 */
export const validityChecks: readonly TokenCheck<AccessTokenPolicy>[] = [
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
    // The v1 issuer of some clouds may be read later.
    permanent: false,
    find: ({ claims: { iss } }, { issuers }) =>
      typeof iss === 'string' && issuers.includes(iss)
        ? undefined
        : problem(
            'wrong_issuer',
            'The access token was not issued by the Microsoft Entra tenant of this API (iss). Check the authority that your app signs in with.',
          ),
  },
  ...lifetimeChecks(issuer),
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
  keyIdCheck(issuer),
  {
    name: 'object id',
    permanent: true,
    find: (jwt) =>
      /^[0-9a-f-]{36}$/i.test(stringClaim(jwt, 'oid') ?? '')
        ? undefined
        : problem('no_object_id', `The access token has no valid user object ID (oid). ${asIssued}`),
  },
];

export const clientCheck: PermissionCheck<AccessTokenPolicy> = {
  name: 'client application',
  permanent: true,
  code: 'client_not_allowed',
  find: (jwt, { allowedClientIds, allowedClientIdsSetting }) =>
    allowedClientIds.length === 0 || allowedClientIds.includes(clientIdOf(jwt) ?? '')
      ? undefined
      : clientNotAllowedProblem(allowedClientIdsSetting),
};

/** What a valid token may still lack (403). */
export const permissionChecks: readonly PermissionCheck<AccessTokenPolicy>[] = [
  {
    name: 'user token',
    permanent: true,
    code: 'app_only_token',
    find: (jwt) => {
      const noUser =
        jwt.claims.idtyp === 'app' || (jwt.claims.scp === undefined && jwt.claims.roles !== undefined);
      const isServicePrincipal =
        jwt.claims.scp === undefined && stringClaim(jwt, 'oid') === stringClaim(jwt, 'sub');
      return noUser || isServicePrincipal ? appOnlyProblem : undefined;
    },
  },
  {
    name: 'scope',
    permanent: true,
    code: 'insufficient_scope',
    find: (jwt, { requiredScope, scopeToRequest }) =>
      stringClaim(jwt, 'scp')?.split(' ').includes(requiredScope)
        ? undefined
        : missingScopeProblem(requiredScope, scopeToRequest),
  },
  clientCheck,
];

/** Unlike an access token, an ID token has neither permissions nor a client application. */
function looksLikeIdToken(jwt: DecodedJwt): boolean {
  const { scp, roles } = jwt.claims;
  return scp === undefined && roles === undefined && clientIdOf(jwt) === undefined;
}
