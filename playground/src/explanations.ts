/** What can be done about a refusal with one click. */
export type Remedy = 'signIn' | 'stepUp' | 'consent' | 'otherAccount' | 'repeat';

export interface Explanation {
  /** What happened, in a few words. */
  title: string;
  /** What it means, and whose turn it is. */
  meaning: string;
  whatToDo: string;
  remedy?: Remedy;
  /** It is no failure, only not the end of the story. */
  note?: true;
  /** An address that one may have to open first. */
  link?: string;
}

const server = 'Whoever runs the API';

/** One for every error code of the API. */
export const explanations: Record<string, Explanation> = {
  invalid_request: {
    title: 'The request was malformed',
    meaning: 'The API could not make sense of the request. This page should not send such a thing.',
    whatToDo: 'Look at the message of the answer below: it names the part that is wrong.',
  },
  teams_token_missing: {
    title: 'The Teams token is missing',
    meaning: 'An exchange needs two tokens: one for the API, and the Teams user’s own.',
    whatToDo: 'Send the Teams user’s token in the header teams-user-aad-token.',
  },
  teams_token_malformed: {
    title: 'That is not a Teams token',
    meaning: 'What was sent as the Teams token is not a token at all.',
    whatToDo: 'Ask Microsoft Entra ID for one with the scopes Teams.ManageCalls and Teams.ManageChats.',
  },
  teams_token_expired: {
    title: 'The Teams token has expired',
    meaning: 'It was good once; its time is over.',
    whatToDo: 'Try again: this page then gets a new one.',
    remedy: 'repeat',
  },
  teams_token_wrong_audience: {
    title: 'The Teams token is for another service',
    meaning:
      'Tokens are made for one service only, and this one was not made for Azure Communication Services.',
    whatToDo: 'Ask for it with the scopes Teams.ManageCalls and Teams.ManageChats, and with no others.',
  },
  teams_token_wrong_tenant: {
    title: 'The two tokens come from two organisations',
    meaning: 'The Teams token belongs to another tenant than the one you signed in with.',
    whatToDo: 'Sign in once, and get both tokens for that account.',
    remedy: 'signIn',
  },
  teams_token_wrong_app: {
    title: 'The two tokens were issued to two apps',
    meaning:
      'The API takes a Teams token only from the app that calls it, or from one that it was told to allow.',
    whatToDo: `Get both tokens with the same app. ${server} can also add the other app to ALLOWED_CLIENT_IDS.`,
  },
  teams_token_wrong_user: {
    title: 'That is someone else’s Teams token',
    meaning:
      'You called as one user and brought the Teams token of another. The API refuses, so that nobody can speak for others.',
    whatToDo: 'Nothing: this is how it should be. Exchange your own Teams token instead.',
  },
  teams_token_rejected: {
    title: 'Azure Communication Services refused the Teams token',
    meaning: 'The token looks right, but the service does not accept it for this user.',
    whatToDo: 'Check that this user has a Microsoft Teams licence, then try again with a new token.',
    remedy: 'repeat',
  },
  missing_token: {
    title: 'The request carried no token',
    meaning: 'The API answers only people who have signed in.',
    whatToDo: 'Sign in and try again.',
    remedy: 'signIn',
  },
  invalid_token: {
    title: 'The API does not accept your access token',
    meaning: 'It has expired, or it was made for something else than this API.',
    whatToDo:
      'Sign in again. If that does not help, the settings of this page and of the API disagree: compare the tenant and ' +
      'the scope with the claims of your token.',
    remedy: 'signIn',
  },
  insufficient_claims: {
    title: 'More proof of who you are is needed',
    meaning:
      'Your organisation asks for more before this is done in your name, such as a second factor. The API has passed the ' +
      'question on to you, as a claims challenge.',
    whatToDo: 'Sign in again with what is asked for. The request is then repeated.',
    remedy: 'stepUp',
    note: true,
  },
  insufficient_scope: {
    title: 'Your token does not allow this',
    meaning: 'The access token lacks the permission access_as_user of this API.',
    whatToDo: 'Add the permission to the registration of this page’s app, consent to it, and sign in again.',
    remedy: 'consent',
  },
  app_only_token: {
    title: 'An app has no communication identity',
    meaning: 'The token is an app’s own, and this API works for people.',
    whatToDo: 'Sign in as a user.',
    remedy: 'signIn',
  },
  client_not_allowed: {
    title: 'This app may not call the API',
    meaning: 'The API only answers the apps that it was told to allow.',
    whatToDo: `${server} can add this app’s client id to ALLOWED_CLIENT_IDS.`,
  },
  consent_required: {
    title: 'Consent is missing',
    meaning: 'The API reads and writes your profile in Microsoft Graph, and nobody has agreed to that yet.',
    whatToDo: 'Agree to it yourself, or have an administrator agree to it for everyone.',
    remedy: 'consent',
  },
  not_found: {
    title: 'There is nothing at this address',
    meaning: 'The address of the API is probably not right.',
    whatToDo: 'Compare the API’s address in the settings with the one that the server prints when it starts.',
  },
  user_not_found: {
    title: 'You have no communication identity yet',
    meaning: 'That is no fault: an identity is made when you first ask for a token.',
    whatToDo: 'Get a token, then ask again.',
    note: true,
  },
  method_not_allowed: {
    title: 'The address exists, the method does not',
    meaning: 'The API cannot do this at this address.',
    whatToDo: 'The answer’s header Allow says what is possible.',
  },
  mapping_not_trusted: {
    title: 'Your identity’s entry was tampered with',
    meaning:
      'The note in your profile that says which identity is yours does not bear this API’s seal, so it is not used.',
    whatToDo: 'Delete your identity here: that removes the note. Then get a token for a new one.',
  },
  mapping_of_other_resource: {
    title: 'Your identity belongs elsewhere',
    meaning: 'It was made in another Communication Services resource than the one that the API uses now.',
    whatToDo: `${server} should check the connection string. If the change was meant, delete your identity and begin anew.`,
  },
  extension_limit_reached: {
    title: 'Your profile has no room left',
    meaning: 'The identity is noted in your profile in Microsoft Graph, which holds only a few such notes.',
    whatToDo: 'Have one removed that is not needed any more, then try again.',
  },
  body_too_large: {
    title: 'The request was too large',
    meaning: 'No token is as large as that.',
    whatToDo: 'Send only what is documented.',
  },
  too_many_requests: {
    title: 'That was too fast',
    meaning: 'You have asked more often than the API allows one user.',
    whatToDo: 'Wait as long as the answer’s header Retry-After says, then go on.',
    remedy: 'repeat',
  },
  internal_error: {
    title: 'The API has a fault',
    meaning: 'Nothing is wrong with your request.',
    whatToDo: `${server} can find the reason in its log, under the request id below.`,
  },
  upstream_invalid_response: {
    title: 'A service behind the API answered nonsense',
    meaning: 'Nothing is wrong with your request, and mostly this passes.',
    whatToDo: 'Try again. If it stays, give the request id below to whoever runs the API.',
    remedy: 'repeat',
  },
  upstream_refused: {
    title: 'A service refuses to work for the API',
    meaning: 'The API’s own settings or permissions are most likely wrong; you can do nothing about it.',
    whatToDo: `${server} should run npm run doctor, which says what to mend.`,
  },
  upstream_unavailable: {
    title: 'A service behind the API is down',
    meaning: 'Nothing is wrong with your request.',
    whatToDo: 'Wait as long as the answer’s header Retry-After says, then try again.',
    remedy: 'repeat',
  },
  upstream_throttled: {
    title: 'A service behind the API is busy',
    meaning: 'Many people want tokens just now.',
    whatToDo: 'Wait as long as the answer’s header Retry-After says, then try again.',
    remedy: 'repeat',
  },
  upstream_timeout: {
    title: 'A service behind the API took too long',
    meaning: 'The API gave up waiting. Nothing is wrong with your request.',
    whatToDo: 'Try again in a moment.',
    remedy: 'repeat',
  },
};
