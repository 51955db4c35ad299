import type { ConfidentialClientApplication, INetworkModule } from '@azure/msal-node';
import { onDemand } from '../loadOnDemand';
import type { MsalCredential } from './clientCredential/clientCredential';

export interface MsalClientOptions {
  authorityHost: string;
  tenantId: string;
  clientId: string;
  /** Proves to Entra ID who the application is. */
  proof: MsalCredential;
  /** Entra's metadata, if known; otherwise MSAL loads it. */
  discovery?: object;
  networkClient: INetworkModule;
}

const loadMsal = onDemand(() => require('./msal.js') as typeof import('./msal.js'));

/**
 * A client for one token request (0.5 ms): MSAL's cache never evicts and slows down with every user, and after one throttled call or
 * error MSAL blocks the calls of all users. MSAL is loaded with the first request, which some servers never make. Throws ApiError.
 */
export async function createMsalClient({
  authorityHost,
  tenantId,
  clientId,
  proof,
  discovery,
  networkClient,
}: MsalClientOptions): Promise<ConfidentialClientApplication> {
  const { ConfidentialClientApplication } = await loadMsal();
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      ...proof,
      authority: `${authorityHost}/${tenantId}`,
      knownAuthorities: [new URL(authorityHost).host],
      ...(discovery && { authorityMetadata: JSON.stringify(discovery) }),
    },
    system: { networkClient },
  });
}
