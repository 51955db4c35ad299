import type { ClientCredentialConfig } from '../../config/credentials';
import { UpstreamError } from '../../resilience/upstreamError';
import type { Timings } from '../../timings';
import { createManagedIdentityCredential } from '../managedIdentity';
import type { AssertionSource } from './assertion';

type ManagedIdentityConfig = Extract<ClientCredentialConfig, { kind: 'managed_identity' }>;

/** The managed identity's token for the exchange. */
export function managedIdentityAssertions(
  { clientId, audience }: ManagedIdentityConfig,
  { attemptInMs }: Pick<Timings['upstream'], 'attemptInMs'>,
): AssertionSource {
  const credential = createManagedIdentityCredential({ clientId, timeLimitInMs: attemptInMs });
  return {
    setting: 'AZURE_CLIENT_ASSERTION',
    isReused: true,
    next: async () => {
      const token = await credential.getToken(`${audience}/.default`);
      if (token) return token;
      throw new UpstreamError('Azure managed identity', 'get token', {
        transportFailure: 'invalid_response',
      });
    },
  };
}
