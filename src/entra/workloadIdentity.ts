import type { TokenCredential } from '@azure/core-auth';
import type { WorkloadIdentityConfig } from '../config/credentials';
import { ApiError } from '../errors';
import { withDeadline } from '../resilience/deadline';
import { createHttpClient } from '../resilience/httpClient';
import { UpstreamError } from '../resilience/upstreamError';
import { tokenFileAssertions } from './clientCredential/tokenFileAssertions';
import { createMsalClient } from './msalClient';
import { createTokenRequest } from './tokenRequest';

export interface WorkloadIdentityOptions extends WorkloadIdentityConfig {
  /** The client id of the identity, which has a federated credential for the cluster. */
  clientId: string | undefined;
  timeLimitInMs: number;
}

/** A token is renewed when less than this is left. The SDKs cache tokens too, but each one separately. */
const renewalInMs = 5 * 60_000;

/**
 * Workload identity on Kubernetes: exchanges the token in the file for a token of the identity. Does not use `@azure/identity`: its errors
 * have neither status nor cause, so an outage would look like a wrong registration. Throws ApiError.
 */
export function createWorkloadIdentityCredential(options: WorkloadIdentityOptions): TokenCredential {
  const { tokenFile, authorityHost, tenantId, clientId = '', timeLimitInMs } = options;
  const assertions = tokenFileAssertions(tokenFile, { timings: { attemptInMs: timeLimitInMs } });
  const issued = new Map<string, { token: string; expiresOnTimestamp: number }>();

  async function request(scope: string) {
    const { token: clientAssertion } = await assertions.next();
    const http = createHttpClient();
    const tokenRequest = createTokenRequest(http);
    try {
      return await withDeadline(timeLimitInMs, undefined, async ({ signal }) => {
        const client = await createMsalClient({
          authorityHost,
          tenantId,
          clientId,
          proof: { clientAssertion },
          networkClient: tokenRequest.networkClient(signal),
        });
        const result = await client.acquireTokenByClientCredential({ scopes: [scope] });
        if (!result?.expiresOn) throw new Error('no access token in the response');
        return { token: result.accessToken, expiresOnTimestamp: result.expiresOn.getTime() };
      });
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw new UpstreamError('Microsoft Entra ID', 'get token', tokenRequest.details(), error);
    } finally {
      await http.close();
    }
  }

  return {
    async getToken(scopes) {
      const scope = [scopes].flat().join(' ');
      const known = issued.get(scope);
      if (known && known.expiresOnTimestamp - Date.now() > renewalInMs) return known;
      const token = await request(scope);
      issued.set(scope, token);
      return token;
    },
  };
}
