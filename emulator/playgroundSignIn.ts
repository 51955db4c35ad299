import { b2cSeed } from './customers/seed';
import type { Emulator } from './emulator';

export type PlaygroundProvider = 'entra' | 'external_id' | 'b2c' | 'oidc';

/** The playground's settings for signing users in with this provider of the emulator. */
export function playgroundSignIn(provider: PlaygroundProvider, emulator: Emulator): Record<string, string> {
  const { url, tenantId, authClient, authServer, externalId, b2c } = emulator;
  const settings = (authority: string, clientId: string, apiScope: string) => ({
    PLAYGROUND_PROVIDER: provider,
    PLAYGROUND_AUTHORITY: authority,
    PLAYGROUND_CLIENT_ID: clientId,
    PLAYGROUND_API_SCOPE: `${apiScope}/access_as_user`,
  });
  switch (provider) {
    case 'entra':
      return settings(`${url}/${tenantId}`, authClient.clientId, authServer.appIdUri);
    case 'b2c': {
      const tenant = `${b2cSeed.tenantName}.onmicrosoft.com`;
      const authority = `${url}/${tenant}/${b2cSeed.policies[0] ?? ''}`;
      return settings(authority, b2c.clientId, `https://${tenant}/${b2c.apiClientId}`);
    }
    // For kind `oidc`, the external tenant is used like any OpenID Connect provider.
    case 'external_id':
    case 'oidc':
      return settings(
        `${url}/${externalId.tenantId}`,
        externalId.clientId,
        `api://${externalId.apiClientId}`,
      );
  }
}
