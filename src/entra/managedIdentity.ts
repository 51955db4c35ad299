import type { AccessToken, TokenCredential } from '@azure/core-auth';

/**
 * The managed identity that Azure gives to the process. `@azure/identity` is loaded with the first token: it is large, and most servers
 * do not need it.
 *
 * @param clientId of a user-assigned identity; undefined for the system-assigned one
 */
export function createManagedIdentityCredential(clientId: string | undefined): TokenCredential {
  let loading: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options): Promise<AccessToken | null> {
      loading ??= import('@azure/identity').then(({ ManagedIdentityCredential }) =>
        clientId === undefined
          ? new ManagedIdentityCredential()
          : new ManagedIdentityCredential({ clientId }),
      );
      return (await loading).getToken(scopes, options);
    },
  };
}
