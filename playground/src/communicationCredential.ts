import { AzureCommunicationTokenCredential } from '@azure/communication-common';
import type { IPublicClientApplication } from '@azure/msal-browser';

/** What Azure's chat and calling clients take. It asks our API for a new token before the old one ends. */
export function createCommunicationCredential(
  msal: IPublicClientApplication,
  { apiUrl, apiScope }: { apiUrl: string; apiScope: string },
  { token = '', send = fetch }: { token?: string; send?: typeof fetch } = {},
): AzureCommunicationTokenCredential {
  const tokenRefresher = async (): Promise<string> => {
    for (let attempt = 1; ; attempt++) {
      const { accessToken } = await msal.acquireTokenSilent({ scopes: [apiScope] });
      const answer = await send(`${apiUrl}/api/token`, {
        headers: { Authorization: `Bearer ${accessToken}` },
      }).catch(() => undefined);
      if (answer?.ok) return ((await answer.json()) as { token: string }).token;
      // The credential itself does not try again: do it here, if the network failed or the API says so.
      const waitInSeconds = answer ? Number(answer.headers.get('Retry-After')) : attempt;
      if (attempt === 3 || !waitInSeconds)
        throw new Error(`No communication token (status ${String(answer?.status)}).`);
      await new Promise((resolve) => setTimeout(resolve, waitInSeconds * 1_000));
    }
  };
  return new AzureCommunicationTokenCredential({ token, tokenRefresher, refreshProactively: true });
}
