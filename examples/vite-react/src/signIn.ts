import { type AccountInfo, InteractionRequiredAuthError, PublicClientApplication } from '@azure/msal-browser';
import { apiScope, authority, clientId } from './settings';

const msal = new PublicClientApplication({
  auth: {
    clientId,
    authority,
    knownAuthorities: [new URL(authority).host],
    redirectUri: `${location.origin}/redirect.html`,
    // Says that this app can handle claims challenges; otherwise Microsoft Entra ID sends none.
    clientCapabilities: ['CP1'],
  },
});

const request = { scopes: [apiScope] };

/** Completes a sign-in if the page was opened by one. Call it first, once. Returns the signed-in account. */
export async function start(): Promise<AccountInfo | null> {
  await msal.initialize();
  const result = await msal.handleRedirectPromise();
  msal.setActiveAccount(result?.account ?? msal.getAllAccounts()[0] ?? null);
  return msal.getActiveAccount();
}

/** Leaves the page; `start` continues when the browser is back. */
export function signIn(): Promise<void> {
  return msal.loginRedirect(request);
}

export function signOut(): Promise<void> {
  return msal.logoutRedirect({ account: msal.getActiveAccount() });
}

/** The access token for the API, without asking the user. Throws InteractionRequiredAuthError if that is not possible. */
export async function getAccessToken(): Promise<string> {
  return (await msal.acquireTokenSilent(request)).accessToken;
}

/** The access token for the API. Leaves the page if the user must sign in again or consent. */
export async function getAccessTokenOrSignIn(): Promise<string> {
  try {
    return await getAccessToken();
  } catch (error) {
    if (error instanceof InteractionRequiredAuthError) await msal.acquireTokenRedirect(request);
    throw error;
  }
}

/** Leaves the page for a sign-in that satisfies the claims of a challenge, such as MFA. */
export function signInWithClaims(claims: string): Promise<void> {
  return msal.acquireTokenRedirect({ ...request, claims });
}
