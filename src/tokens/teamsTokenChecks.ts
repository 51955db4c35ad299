import { ApiError, type ErrorCode } from '../errors';
import { clientIdOf, type DecodedJwt, decodeJwt, stringClaim } from '../authentication/jwt';

/** Who must stand in the Teams token: the caller themselves, through an application that may call. */
export interface TeamsTokenPolicy {
  readonly tenantId: string;
  readonly objectId: string;
  /** The caller's own client application, and those the operator allows. */
  readonly clientIds: readonly string[];
}

/** A Teams user's token as ACS wants it: with the application that it was issued to. */
export interface TeamsToken {
  readonly text: string;
  readonly clientId: string;
}

/** The resource "Azure Communication Services" in the Microsoft clouds, by address and by application id. */
const audiences = new Set([
  'https://auth.msft.communication.azure.com',
  'https://auth.msft.communication.azure.us',
  '1fd5118e-2576-4263-8130-9503064c837a',
]);

const scopeHint =
  'Request one with the scopes https://auth.msft.communication.azure.com/Teams.ManageCalls and Teams.ManageChats.';

interface TeamsTokenCheck {
  readonly code: ErrorCode;
  readonly message: string;
  readonly passes: (jwt: DecodedJwt, policy: TeamsTokenPolicy, nowInSeconds: number) => boolean;
}

/**
 * ACS answers most of these with one sentence ("Provided access token is not valid."), so they are told apart here. The
 * signature is ACS's to check.
 */
export const teamsTokenChecks: readonly TeamsTokenCheck[] = [
  {
    code: 'teams_token_wrong_audience',
    message: `The Teams token is for another service (aud), not for Azure Communication Services. ${scopeHint}`,
    passes: ({ claims: { aud } }) =>
      typeof aud === 'string' && audiences.has(aud.replace(/\/$/, '').toLowerCase()),
  },
  {
    code: 'teams_token_expired',
    message: 'The Teams token has expired (exp). Get a new one from Microsoft Entra ID.',
    passes: ({ claims: { exp } }, _policy, now) => typeof exp === 'number' && now < exp,
  },
  {
    code: 'teams_token_wrong_tenant',
    message: 'The Teams token is of another tenant (tid) than the access token. Get both for the same user.',
    passes: (jwt, { tenantId }) => stringClaim(jwt, 'tid')?.toLowerCase() === tenantId,
  },
  {
    code: 'teams_token_wrong_user',
    message: 'The Teams token is of another user (oid) than the access token. Get both for the same user.',
    passes: (jwt, { objectId }) => stringClaim(jwt, 'oid')?.toLowerCase() === objectId,
  },
  {
    code: 'teams_token_wrong_app',
    message:
      'The Teams token was issued to another client application (appid) than the access token. Get both with the same ' +
      'application, or have the operator of this API add it to ALLOWED_CLIENT_IDS.',
    passes: (jwt, { clientIds }) => clientIds.includes(clientIdOf(jwt) ?? ''),
  },
];

/** Throws ApiError with what is wrong with the token, missing and malformed included. */
export function parseTeamsToken(
  text: string | undefined,
  policy: TeamsTokenPolicy,
  nowInMs = Date.now(),
): TeamsToken {
  const target = 'teamsUserAadToken';
  if (!text) {
    throw new ApiError(
      'teams_token_missing',
      `Send the Teams user's Entra token in the header teams-user-aad-token, or in the JSON body as teamsUserAadToken. ${scopeHint}`,
      { target },
    );
  }
  const jwt = decodeJwt(text);
  if (!jwt)
    throw new ApiError('teams_token_malformed', `The Teams token is not a JSON Web Token. ${scopeHint}`, {
      target,
    });
  const failed = teamsTokenChecks.find(({ passes }) => !passes(jwt, policy, nowInMs / 1_000));
  if (failed) throw new ApiError(failed.code, failed.message, { target });
  return { text, clientId: clientIdOf(jwt) ?? '' };
}
