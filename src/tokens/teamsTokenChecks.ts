import { ApiError, type ErrorCode } from '../errors';
import { clientIdOf, type DecodedJwt, decodeJwt, stringClaim } from '../authentication/jwt';

/** The Teams token must belong to the caller and to an allowed client application. */
export interface TeamsTokenPolicy {
  readonly tenantId: string;
  readonly objectId: string;
  /** The caller's client application, and those that the operator allows. */
  readonly clientIds: readonly string[];
  /** The resource "Azure Communication Services" of the cloud. */
  readonly audience: string;
}

/** A Teams user's token with the application that it was issued to, as ACS requires. */
export interface TeamsToken {
  readonly text: string;
  readonly clientId: string;
}

/** The resource "Azure Communication Services" by application id, in all clouds. */
const applicationId = '1fd5118e-2576-4263-8130-9503064c837a';

const scopeHint = ({ audience }: TeamsTokenPolicy) =>
  `Request a token with the scopes ${audience}/Teams.ManageCalls and Teams.ManageChats.`;

interface TeamsTokenCheck {
  readonly code: ErrorCode;
  readonly message: string | ((policy: TeamsTokenPolicy) => string);
  readonly passes: (jwt: DecodedJwt, policy: TeamsTokenPolicy, nowInSeconds: number) => boolean;
}

/**
 * ACS responds to most of these with one message ("Provided access token is not valid."), so they are distinguished here.
 * ACS checks the signature.
 */
export const teamsTokenChecks: readonly TeamsTokenCheck[] = [
  {
    code: 'teams_token_wrong_audience',
    message: (policy) =>
      `The Teams token is for another service than Azure Communication Services (aud). ${scopeHint(policy)}`,
    passes: ({ claims: { aud } }, { audience }) =>
      typeof aud === 'string' && [audience, applicationId].includes(aud.replace(/\/$/, '').toLowerCase()),
  },
  {
    code: 'teams_token_expired',
    message: 'The Teams token has expired (exp). Get a new one from Microsoft Entra ID.',
    passes: ({ claims: { exp } }, _policy, now) => typeof exp === 'number' && now < exp,
  },
  {
    code: 'teams_token_wrong_tenant',
    message:
      'The Teams token and the access token are from different tenants (tid). Get both for the same user.',
    passes: (jwt, { tenantId }) => stringClaim(jwt, 'tid')?.toLowerCase() === tenantId,
  },
  {
    code: 'teams_token_wrong_user',
    message:
      'The Teams token and the access token belong to different users (oid). Get both for the same user.',
    passes: (jwt, { objectId }) => stringClaim(jwt, 'oid')?.toLowerCase() === objectId,
  },
  {
    code: 'teams_token_wrong_app',
    message:
      'The Teams token and the access token were issued to different client applications (appid). Get both with the same ' +
      'application, or ask the operator of this API to add it to ALLOWED_CLIENT_IDS.',
    passes: (jwt, { clientIds }) => clientIds.includes(clientIdOf(jwt) ?? ''),
  },
];

export function describeCheck({ message }: TeamsTokenCheck, policy: TeamsTokenPolicy): string {
  return typeof message === 'string' ? message : message(policy);
}

/** Throws ApiError if the token is missing, malformed or fails one of `teamsTokenChecks`. */
export function parseTeamsToken(text: string | undefined, policy: TeamsTokenPolicy): TeamsToken {
  const target = 'teamsUserAadToken';
  if (!text) {
    throw new ApiError(
      'teams_token_missing',
      'The Teams token is missing. Send it in the header teams-user-aad-token, or in the body as ' +
        `{"teamsUserAadToken": "<token>"} with Content-Type: application/json. ${scopeHint(policy)}`,
      { target },
    );
  }
  const jwt = decodeJwt(text);
  if (!jwt)
    throw new ApiError(
      'teams_token_malformed',
      `The Teams token is not a JSON Web Token. ${scopeHint(policy)}`,
      {
        target,
      },
    );
  const failed = teamsTokenChecks.find(({ passes }) => !passes(jwt, policy, Date.now() / 1_000));
  if (failed) throw new ApiError(failed.code, describeCheck(failed, policy), { target });
  return { text, clientId: clientIdOf(jwt) ?? '' };
}
