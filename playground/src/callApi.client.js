/** Calls the API as the signed-in user. `msal` is your PublicClientApplication. */
export async function callApi(msal, { apiUrl, apiScope }, path, init = {}) {
  let request = { scopes: [apiScope], account: msal.getActiveAccount() };
  for (let attempt = 1; ; attempt++) {
    const { accessToken } = await msal.acquireTokenSilent(request);
    const headers = { ...init.headers, Authorization: `Bearer ${accessToken}` };
    const response = await fetch(`${apiUrl}${path}`, { ...init, headers });
    if (response.status === 204) return undefined;
    if (response.ok) return await response.json();

    const { error } = await response.json();
    const challenge = response.headers.get('WWW-Authenticate') ?? '';
    const secondsToWait = Number(response.headers.get('Retry-After'));

    // insufficient_claims: sign in again, with more, such as MFA.
    const [, claims] = /\bclaims="([^"]+)"/.exec(challenge) ?? [];
    if (error.code === 'insufficient_claims' && claims) {
      return await msal.acquireTokenRedirect({ ...request, claims: atob(claims) });
    }

    // consent_required: ask for consent to all that the API needs.
    if (error.code === 'consent_required') {
      const scopes = [apiScope.replace(/[^/]*$/, '.default')];
      return await msal.acquireTokenRedirect({ ...request, scopes, prompt: 'consent' });
    }

    // invalid_token: too old, or its key was withdrawn. Try again with a new one.
    if (error.code === 'invalid_token' && attempt === 1) {
      request = { ...request, forceRefresh: true };
      continue;
    }

    // upstream_unavailable, upstream_timeout, upstream_throttled, too_many_requests: wait.
    if (secondsToWait > 0 && attempt < 3) {
      await new Promise((resolve) => setTimeout(resolve, secondsToWait * 1_000));
      continue;
    }

    // All others: tell the user. The ID leads to the server's log.
    const requestId = response.headers.get('x-ms-request-id');
    throw new Error(`${error.message} (${error.code}, ${requestId})`);
  }
}
