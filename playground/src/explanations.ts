/** An action that the page offers for an error. */
export type Remedy = 'signIn' | 'stepUp' | 'consent' | 'otherAccount' | 'repeat';

export interface Explanation {
  title: string;
  /** What the error means. */
  meaning: string;
  whatToDo: string;
  remedy?: Remedy;
  /** Not a failure: an expected step that the user has to complete. */
  note?: true;
  /** A URL to open. */
  link?: string;
}

const operator = 'The operator of the API';
const waitAndRetry = 'Wait for the seconds in the Retry-After header, then try again.';

/** One for every error code of the API. */
export const explanations: Record<string, Explanation> = {
  invalid_request: {
    title: 'Invalid request',
    meaning: 'The API rejected the format of the request. This page should not send such a request.',
    whatToDo: 'See the message of the response below. It names the invalid part.',
  },
  teams_token_missing: {
    title: 'The Teams token is missing',
    meaning: 'An exchange needs two tokens: the access token for the API and the Teams user’s token.',
    whatToDo: 'Send the Teams user’s token in the header teams-user-aad-token.',
  },
  teams_token_malformed: {
    title: 'The Teams token is malformed',
    meaning: 'The value that was sent as the Teams token is not a JSON Web Token.',
    whatToDo: 'Request a token with the scopes Teams.ManageCalls and Teams.ManageChats.',
  },
  teams_token_expired: {
    title: 'The Teams token has expired',
    meaning: 'The token was valid but is too old.',
    whatToDo: 'Try again. This page then gets a new token.',
    remedy: 'repeat',
  },
  teams_token_wrong_audience: {
    title: 'The Teams token is for another service',
    meaning: 'A token is valid for one service. This one is not for Azure Communication Services.',
    whatToDo: 'Request the token with the scopes Teams.ManageCalls and Teams.ManageChats only.',
  },
  teams_token_wrong_tenant: {
    title: 'The tokens are from different tenants',
    meaning: 'The Teams token belongs to another tenant than the account you signed in with.',
    whatToDo: 'Sign in again and get both tokens for the same account.',
    remedy: 'signIn',
  },
  teams_token_wrong_app: {
    title: 'The tokens were issued to different apps',
    meaning: 'The API accepts a Teams token only from the app that calls it, or from an app on its list.',
    whatToDo: `Get both tokens with the same app. ${operator} can also add the other app to ALLOWED_CLIENT_IDS.`,
  },
  teams_token_wrong_user: {
    title: 'The Teams token belongs to someone else',
    meaning:
      'The access token and the Teams token belong to different users. The API rejects this for security.',
    whatToDo: 'This is the expected result. To succeed, exchange your own Teams token.',
  },
  teams_token_rejected: {
    title: 'Azure Communication Services rejected the Teams token',
    meaning: 'The token is well-formed, but the service does not accept it for this user.',
    whatToDo: 'Check that the user has a Microsoft Teams license, then try again with a new token.',
    remedy: 'repeat',
  },
  missing_token: {
    title: 'The request has no access token',
    meaning: 'The API requires a signed-in user.',
    whatToDo: 'Sign in and try again.',
    remedy: 'signIn',
  },
  invalid_token: {
    title: 'The access token is not valid',
    meaning: 'It has expired, or it was not issued for this API.',
    whatToDo:
      'Sign in again. If the error persists, compare the tenant and the scope in the settings with the claims of your token.',
    remedy: 'signIn',
  },
  insufficient_claims: {
    title: 'Additional authentication is required',
    meaning:
      'Your organization requires more for this request, such as multifactor authentication (MFA). The API has returned a ' +
      'claims challenge.',
    whatToDo: 'Sign in again. The page then repeats the request.',
    remedy: 'stepUp',
    note: true,
  },
  insufficient_scope: {
    title: 'The access token lacks a permission',
    meaning: 'The access token does not have the scope access_as_user of this API.',
    whatToDo: 'Add the permission to this page’s app registration, consent to it, and sign in again.',
    remedy: 'consent',
  },
  app_only_token: {
    title: 'The access token has no user',
    meaning: 'The token was issued to an app without a user. The API serves users only.',
    whatToDo: 'Sign in as a user.',
    remedy: 'signIn',
  },
  insufficient_role: {
    title: 'The application role is missing',
    meaning: 'Only administrators and off-boarding jobs may manage the identities of other users.',
    whatToDo: 'Ask an administrator of the tenant for the application role CommunicationUsers.Manage.All.',
  },
  client_not_allowed: {
    title: 'This app is not allowed to call the API',
    meaning: 'The API accepts calls only from the apps on its list.',
    whatToDo: `${operator} can add this app’s client ID to ALLOWED_CLIENT_IDS.`,
  },
  consent_required: {
    title: 'Consent is missing',
    meaning: 'The API stores your identity in your Microsoft Graph profile, which requires your consent.',
    whatToDo: 'Give your consent, or ask an administrator to consent for all users.',
    remedy: 'consent',
  },
  teams_exchange_not_supported: {
    title: 'Your account cannot exchange a Teams token',
    meaning: 'Teams belongs to Microsoft Entra ID. You signed in with another identity provider.',
    whatToDo:
      'Use your own communication identity, or sign in with a Microsoft Entra account that uses Teams.',
  },
  not_found: {
    title: 'URL not found',
    meaning: 'The API has no operation at this URL. The API address in the settings is probably wrong.',
    whatToDo: 'Compare the API address in the settings with the address that the server prints at startup.',
  },
  user_not_found: {
    title: 'You have no communication identity yet',
    meaning: 'This is not an error. Your identity is created when you get your first token.',
    whatToDo: 'Get a token, then try again.',
    note: true,
  },
  method_not_allowed: {
    title: 'Method not allowed',
    meaning: 'The API does not support this HTTP method at this URL.',
    whatToDo: 'Use one of the methods in the Allow header of the response.',
  },
  mapping_not_trusted: {
    title: 'Your identity mapping is not trusted',
    meaning:
      'Your Microsoft Graph profile stores which communication identity is yours. That entry is not sealed with ' +
      'this API’s key, so it is not used.',
    whatToDo: 'Delete your identity here, which removes the entry. Then get a token for a new identity.',
  },
  mapping_of_other_resource: {
    title: 'Your identity belongs to another resource',
    meaning: 'It was created in another Communication Services resource than the one the API uses now.',
    whatToDo: `${operator} should check the connection string. If the change is intended, delete your identity and get a new one.`,
  },
  extension_limit_reached: {
    title: 'Your profile has too many extensions',
    meaning:
      'Your identity is stored in an extension of your Microsoft Graph profile. Their number is limited.',
    whatToDo: 'Have an unused extension removed, then try again.',
  },
  body_too_large: {
    title: 'The request body is too large',
    meaning: 'The body is larger than any valid token.',
    whatToDo: 'Send only the documented properties.',
  },
  too_many_requests: {
    title: 'Too many requests',
    meaning: 'You have exceeded the API’s rate limit for one user.',
    whatToDo: waitAndRetry,
    remedy: 'repeat',
  },
  internal_error: {
    title: 'Internal error of the API',
    meaning: 'Your request is valid. The API failed.',
    whatToDo: `${operator} can find the cause in the log with the request ID below.`,
  },
  not_supported_by_store: {
    title: 'Not possible with this identity store',
    meaning: 'The API keeps identities in Microsoft Graph and may act there for signed-in users only.',
    whatToDo: `${operator} can use another identity store, or grant the API a permission for all users.`,
  },
  upstream_invalid_response: {
    title: 'A service returned an invalid response',
    meaning: 'Your request is valid. A service that the API uses failed, probably temporarily.',
    whatToDo: 'Try again. If the error persists, send the request ID below to the operator of the API.',
    remedy: 'repeat',
  },
  upstream_refused: {
    title: 'A service rejected the API’s request',
    meaning: 'Your request is valid. The API’s settings or permissions are probably wrong.',
    whatToDo: `${operator} should run npm run doctor, which shows what to fix.`,
  },
  server_overloaded: {
    title: 'The API is overloaded',
    meaning: 'The server has more requests than it can handle in time. It did nothing for this one.',
    whatToDo: waitAndRetry,
    remedy: 'repeat',
  },
  server_unavailable: {
    title: 'The API is temporarily unavailable',
    meaning: 'Your request is valid. The server could not load a part of itself.',
    whatToDo: waitAndRetry,
    remedy: 'repeat',
  },
  upstream_unavailable: {
    title: 'A service is unavailable',
    meaning: 'Your request is valid. A service that the API uses is down.',
    whatToDo: waitAndRetry,
    remedy: 'repeat',
  },
  upstream_throttled: {
    title: 'A service is throttling requests',
    meaning: 'Your request is valid. The API has reached a limit of a service that it uses.',
    whatToDo: waitAndRetry,
    remedy: 'repeat',
  },
  upstream_timeout: {
    title: 'A service did not respond in time',
    meaning: 'Your request is valid. A service that the API uses is slow.',
    whatToDo: waitAndRetry,
    remedy: 'repeat',
  },
};
