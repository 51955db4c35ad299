import { AzureCommunicationTokenCredential } from '@azure/communication-common';
import { InteractionRequiredAuthError } from '@azure/msal-browser';
import { apiUrl } from './settings';
import { getAccessToken } from './signIn';

const maxAttempts = 6;

/** What Azure's chat and calling clients take. It gets a new token from the API ten minutes before the old one expires. */
export function createCommunicationCredential(): AzureCommunicationTokenCredential {
  return new AzureCommunicationTokenCredential({ tokenRefresher: getToken, refreshProactively: true });
}

/** The credential itself does not repeat a failed refresh, so it is done here, for about a minute. */
async function getToken(): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const response = await requestToken();
    if (response?.ok) return ((await response.json()) as { token: string }).token;
    // Without a network there is no response; other failures are temporary if the API says when to retry.
    const waitInSeconds = response ? Number(response.headers.get('Retry-After')) : 2 ** attempt;
    if (attempt === maxAttempts || waitInSeconds === 0)
      throw new Error(`No communication token (status ${String(response?.status)}).`);
    await new Promise((resolve) => setTimeout(resolve, waitInSeconds * 1_000));
  }
}

/** Undefined if the network failed. The user is not asked: this runs at any time, and must not leave the page. */
async function requestToken(): Promise<Response | undefined> {
  try {
    const headers = { Authorization: `Bearer ${await getAccessToken()}` };
    return await fetch(`${apiUrl}/api/token`, { headers });
  } catch (error) {
    if (error instanceof InteractionRequiredAuthError) throw error;
    return undefined;
  }
}
