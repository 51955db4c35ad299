import type { ClientCredentialConfig } from '../../config/credentials';
import { createAssertionCredential } from './assertion';
import { createCertificateCredential } from './certificateCredential';
import type { ClientCredential, ClientCredentialOptions } from './clientCredential';
import { managedIdentityAssertions } from './managedIdentityAssertions';
import { tokenFileAssertions } from './tokenFileAssertions';

/** Reads the certificate, if it is one: throws CertificateFileError if that cannot be used. */
export async function createClientCredential(
  config: ClientCredentialConfig,
  options: ClientCredentialOptions,
): Promise<ClientCredential> {
  switch (config.kind) {
    case 'secret':
      return {
        forMsal: () => Promise.resolve({ clientSecret: config.secret }),
        describe: () => ({ setting: 'AZURE_CLIENT_SECRET' }),
      };
    case 'certificate':
      return createCertificateCredential(config.path, options);
    case 'managed_identity':
      return createAssertionCredential(managedIdentityAssertions(config, options.timings), options);
    case 'token_file':
      return createAssertionCredential(tokenFileAssertions(config.path, options), options);
  }
}
