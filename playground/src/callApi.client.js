/** Calls the API as the signed-in user. `msal` is your PublicClientApplication. */
export async function callApi(msal, { apiUrl, apiScope }, path, init = {}) {
  let request = { scopes: [apiScope], account: msal.getActiveAccount() };
  for (let attempt = 1; ; attempt++) {
    const { accessToken } = await msal.acquireTokenSilent(request);
    const headers = { ...init.headers, Authorization: `Bearer ${accessToken}` };
    const response = await fetch(`${apiUrl}${path}`, { ...init, headers });
    if (response.ok) return response.status === 204 ? undefined : await response.json();

    const { error } = await response.json();
    const challenge = response.headers.get('WWW-Authenticate') ?? '';
    const secondsToWait = Number(response.headers.get('Retry-After'));

    // insufficient_claims: sign in again with the claims of the challenge, for example with MFA.
    const [, claims] = /\bclaims="([^"]+)"/.exec(challenge) ?? [];
    if (error.code === 'insufficient_claims' && claims) {
      return await msal.acquireTokenRedirect({ ...request, claims: atob(claims) });
    }

    // consent_required: ask for consent to everything that the API needs.
    if (error.code === 'consent_required') {
      const scopes = [apiScope.replace(/[^/]*$/, '.default')];
      return await msal.acquireTokenRedirect({ ...request, scopes, prompt: 'consent' });
    }

    // invalid_token: expired, or signed with a withdrawn key. Get a new one and try again, once.
    if (error.code === 'invalid_token' && attempt === 1) {
      request = { ...request, forceRefresh: true };
      continue;
    }

    // upstream_unavailable, upstream_throttled, upstream_timeout, too_many_requests: wait and try again.
    if (secondsToWait > 0 && attempt < 3) {
      await new Promise((resolve) => setTimeout(resolve, secondsToWait * 1_000));
      continue;
    }

    // teams_token_rejected and all others: tell the user. The request ID leads to the server's log.
    throw new Error(`${error.message} (${error.code}, ${response.headers.get('x-ms-request-id')})`);
  }
}
