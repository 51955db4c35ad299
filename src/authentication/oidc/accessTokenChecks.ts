import { type DecodedJwt, stringClaim } from '../jwt';
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
export interface OidcPolicy {
  /** Who issues the tokens, for messages. */
  readonly issuerName: string;
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly requiredScope: string;
  /** How a client names the scope in its request; for messages. */
  readonly scopeToRequest: string;
  /** The claim that identifies the user, and the form that it must have. */
  readonly userClaim: string;
  readonly userClaimForm: RegExp;
  /** Empty: any client application. */
  readonly allowedClientIds: readonly string[];
  /** The setting that lists them. */
  readonly allowedClientIdsSetting: string;
  /** Whether `roles` contains application roles that the operator assigned. At other providers this claim may mean anything. */
  readonly hasApplicationRoles: boolean;
  /** The provider's own checks, which run after the check of the issuer. */
  readonly additionalChecks: readonly TokenCheck<unknown>[];
}

/** OpenID Connect Core section 2: a subject has at most 255 ASCII characters. */
export const anySubject = /^[\x20-\x7e]{1,255}$/;
/** A GUID is the same in upper case: see `userIdOf`. */
export const guidSubject = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What makes a token invalid for this API (401), other than its signature; the most helpful error first. */
export function validityChecksOf({
  issuerName,
  additionalChecks,
}: OidcPolicy): readonly TokenCheck<OidcPolicy>[] {
  const asIssued = `Send it as ${issuerName} issued it.`;
  return [
    {
      name: 'kind',
      permanent: true,
      find: (jwt, { scopeToRequest }) =>
        isIdToken(jwt)
          ? problem(
              'id_token',
              `This is an ID token, which is for the client only. Request an access token with the scope ${scopeToRequest}.`,
            )
          : undefined,
    },
    {
      name: 'audience',
      permanent: true,
      find: ({ claims: { aud } }, { audiences, scopeToRequest }) =>
        textsOf(aud).some((audience) => audiences.includes(audience))
          ? undefined
          : problem(
              'wrong_audience',
              `The access token is for another API (aud). Request one for this API, with the scope ${scopeToRequest}.`,
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
              'The access token was not issued by the identity provider of this API (iss). Check the authority that your app signs in with.',
            ),
    },
    ...additionalChecks,
    ...lifetimeChecks(issuerName),
    {
      name: 'issue time',
      permanent: true,
      find: ({ claims: { iat } }) =>
        iat === undefined || typeof iat === 'number'
          ? undefined
          : problem('malformed_token', `The access token has an invalid issue time (iat). ${asIssued}`),
    },
    {
      name: 'algorithm',
      permanent: true,
      find: ({ header: { alg, typ, crit } }, { algorithms }) => {
        if (typeof alg !== 'string' || !algorithms.includes(alg))
          return problem(
            'wrong_algorithm',
            `The access token is not signed with ${algorithms.join(' or ')} (alg). ${asIssued}`,
          );
        if (typ !== undefined && !(typeof typ === 'string' && accessTokenTypes.includes(typ.toLowerCase())))
          return problem(
            'malformed_token',
            `The access token does not have the type at+jwt or JWT (typ). ${asIssued}`,
          );
        return crit === undefined
          ? undefined
          : problem(
              'malformed_token',
              `The access token requires an unsupported extension (crit). ${asIssued}`,
            );
      },
    },
    keyIdCheck(issuerName),
    {
      name: 'user',
      permanent: true,
      find: (jwt, { userClaim, userClaimForm }) =>
        userClaimForm.test(stringClaim(jwt, userClaim) ?? '')
          ? undefined
          : problem('no_subject', `The access token does not identify its user (${userClaim}). ${asIssued}`),
    },
  ];
}

/** The user's id, in the one form under which the user is stored and erased. */
export function userIdOf(
  jwt: DecodedJwt,
  { userClaim, userClaimForm }: Pick<OidcPolicy, 'userClaim' | 'userClaimForm'>,
): string {
  const id = stringClaim(jwt, userClaim) ?? '';
  return userClaimForm === guidSubject ? id.toLowerCase() : id;
}

export const clientCheck: PermissionCheck<OidcPolicy> = {
  name: 'client application',
  permanent: true,
  code: 'client_not_allowed',
  find: (jwt, { allowedClientIds, allowedClientIdsSetting }) =>
    allowedClientIds.length === 0 || allowedClientIds.includes(oidcClientIdOf(jwt) ?? '')
      ? undefined
      : clientNotAllowedProblem(allowedClientIdsSetting),
};

/** What a valid token may still lack (403). */
export const permissionChecks: readonly PermissionCheck<OidcPolicy>[] = [
  {
    name: 'user token',
    permanent: true,
    code: 'app_only_token',
    find: (jwt) => (isAppOnly(jwt) ? appOnlyProblem : undefined),
  },
  {
    name: 'scope',
    permanent: true,
    code: 'insufficient_scope',
    find: (jwt, { requiredScope, scopeToRequest }) =>
      scopesOf(jwt).includes(requiredScope) ? undefined : missingScopeProblem(requiredScope, scopeToRequest),
  },
  clientCheck,
];

/** RFC 9068 section 2.1; `JWT` and no type are older than it. */
const accessTokenTypes: readonly string[] = ['at+jwt', 'application/at+jwt', 'jwt'];

/** `azp` (OpenID Connect), `client_id` (RFC 9068), `cid` (Okta) or `appid` (Microsoft). */
export function oidcClientIdOf(jwt: DecodedJwt): string | undefined {
  for (const name of ['azp', 'client_id', 'cid', 'appid']) {
    const clientId = stringClaim(jwt, name);
    if (clientId !== undefined) return clientId;
  }
  return undefined;
}

/** `scope` (RFC 8693 section 4.2) or `scp` (Microsoft, Okta), as text or as a list. */
export function scopesOf({ claims: { scope, scp } }: DecodedJwt): readonly string[] {
  return [...textsOf(scope), ...textsOf(scp)].flatMap((text) => text.split(' ')).filter(Boolean);
}

/** Recognized by the claims of OpenID Connect Core section 2, Keycloak (`typ`) and Amazon Cognito (`token_use`). */
function isIdToken(jwt: DecodedJwt): boolean {
  const { typ, token_use: use, nonce, at_hash: accessTokenHash, c_hash: codeHash } = jwt.claims;
  if (typ === 'ID' || use === 'id' || accessTokenHash !== undefined || codeHash !== undefined) return true;
  return nonce !== undefined && scopesOf(jwt).length === 0;
}

/** A token of an application without a user, recognized by the claims of Microsoft, Auth0, Keycloak, and RFC 9068 section 5. */
function isAppOnly(jwt: DecodedJwt): boolean {
  const { idtyp, gty, scp, scope, roles } = jwt.claims;
  const subject = stringClaim(jwt, 'sub');
  return (
    idtyp === 'app' ||
    textsOf(gty).includes('client-credentials') ||
    (scp === undefined && scope === undefined && roles !== undefined) ||
    (subject !== undefined && subject === oidcClientIdOf(jwt)) ||
    stringClaim(jwt, 'preferred_username')?.startsWith('service-account-') === true
  );
}

function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((item) => typeof item === 'string');
}
