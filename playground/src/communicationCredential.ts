import { AzureCommunicationTokenCredential } from '@azure/communication-common';
import type { IPublicClientApplication } from '@azure/msal-browser';

/** What Azure's chat and calling clients take. It requests a new token from our API before the old one expires. */
export function createCommunicationCredential(
  msal: IPublicClientApplication,
  { apiUrl, apiScope }: { apiUrl: string; apiScope: string },
  { token = '', send = fetch }: { token?: string; send?: typeof fetch } = {},
): AzureCommunicationTokenCredential {
  const tokenRefresher = async (): Promise<string> => {
    for (let attempt = 1; ; attempt++) {
      const { accessToken } = await msal.acquireTokenSilent({ scopes: [apiScope] });
      const response = await send(`${apiUrl}/api/token`, {
        headers: { Authorization: `Bearer ${accessToken}` },
      }).catch(() => undefined);
      if (response?.ok) return ((await response.json()) as { token: string }).token;
      // The credential itself does not try again: do it here, if the network failed or the API says so.
      const waitInSeconds = response ? Number(response.headers.get('Retry-After')) : attempt;
      if (attempt === 3 || !waitInSeconds)
        throw new Error(`No communication token (status ${String(response?.status)}).`);
      await new Promise((resolve) => setTimeout(resolve, waitInSeconds * 1_000));
    }
  };
  return new AzureCommunicationTokenCredential({ token, tokenRefresher, refreshProactively: true });
}
