import type { EntraConfig } from '../config/config';
import type { ClientCredential, ClientCredentialOptions } from '../entra/clientCredential/clientCredential';
import { createClientCredential } from '../entra/clientCredential/createClientCredential';

/** The server's own credential, created on its first use: reading a certificate may fail. */
export function createDeferredCredential(
  config: EntraConfig['credential'],
  options: ClientCredentialOptions,
): ClientCredential {
  let created: ClientCredential | undefined;
  return {
    async forMsal(deadline) {
      if (config === undefined) throw new TypeError('there is no client credential');
      created ??= await createClientCredential(config, options);
      return created.forMsal(deadline);
    },
    describe: () => created?.describe() ?? { setting: 'AZURE_CLIENT_SECRET' },
  };
}
