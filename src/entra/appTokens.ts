import type { EntraAuthority } from '../authentication/entra/entraAuthority';
import type { Log } from '../log';
import type { Deadline } from '../resilience/deadline';
import type { HttpClient } from '../resilience/httpClient';
import { createSingleFlight } from '../resilience/singleFlight';
import type { Upstream } from '../resilience/upstream';
import type { ClientCredential } from './clientCredential/clientCredential';
import { createMsalClient } from './msalClient';
import { logRejectedCredential } from './rejectedCredential';
import { createTokenRequest, issuedToken, nameUpstreamOfTimeout } from './tokenRequest';

/** Microsoft Graph tokens of the application itself, with the application permissions that it was granted. */
export interface AppTokens {
  /** Throws UpstreamError. */
  getGraphToken(deadline: Deadline): Promise<string>;
  /** Call this when Graph rejects the token, so that the next one is new. */
  evictGraphToken(): void;
}

export interface AppTokensOptions {
  authority: EntraAuthority;
  authorityHost: string;
  tenantId: string;
  clientId: string;
  credential: ClientCredential;
  graphEndpoint: string;
  http: HttpClient;
  upstream: Upstream;
  workTimeLimitInMs: number;
  log: Log;
}

/**
 * Entra issues the same token for up to an hour after a permission was granted, so a token is kept for a few minutes only: an operator
 * who has just granted it need not restart the server.
 */
const maxCachedInMs = 5 * 60_000;

const operation = 'get token of the application';

export function createAppTokens(options: AppTokensOptions): AppTokens {
  const { authority, authorityHost, tenantId, clientId, credential, http, upstream, log } = options;
  const coalesce = createSingleFlight<string>(options.workTimeLimitInMs);
  let cached: { accessToken: string; until: number } | undefined;

  async function request(deadline: Deadline): Promise<string> {
    const { discovery } = await authority.metadata();
    const proof = await credential.forMsal(deadline);
    const exchange = createTokenRequest(http);
    return upstream.call(
      operation,
      { deadline, retryOn: 'any_failure', describe: () => exchange.details() },
      async (signal) => {
        const networkClient = exchange.networkClient(signal);
        const client = await createMsalClient({
          authorityHost,
          tenantId,
          clientId,
          proof,
          discovery,
          networkClient,
        });
        const result = await client.acquireTokenByClientCredential({
          scopes: [`${options.graphEndpoint}/.default`],
        });
        const { accessToken, expiresOn } = issuedToken(result);
        const lifetimeInMs = (expiresOn?.getTime() ?? 0) - Date.now();
        cached = { accessToken, until: Date.now() + Math.min(maxCachedInMs, lifetimeInMs / 2) };
        return accessToken;
      },
    );
  }

  return {
    getGraphToken(deadline) {
      if (cached && Date.now() < cached.until) return Promise.resolve(cached.accessToken);
      return coalesce('', deadline.signal, (shared) =>
        request(shared).catch((error: unknown) => {
          logRejectedCredential(error, credential, log);
          throw error;
        }),
      ).catch(nameUpstreamOfTimeout(operation, deadline));
    },
    evictGraphToken: () => (cached = undefined),
  };
}
