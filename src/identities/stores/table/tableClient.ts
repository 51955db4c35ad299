import type { TableStoreConfig } from '../../../config/identities';
import { tracePolicies } from '../../../telemetry/sdkPolicy';
import type { Telemetry } from '../../../telemetry/telemetry';
import { createManagedIdentityCredential } from '../../../entra/managedIdentity';
import { onDemand } from '../../../loadOnDemand';
import type { RequestScope } from '../../../requestScope';
import { requestIdPolicies } from '../../../resilience/requestIdPolicies';
import { responseLimitPolicies } from '../../../resilience/responseLimitPolicy';

export type TableClient = Awaited<ReturnType<typeof createTableClient>>;

export interface TableClientOptions {
  /** How long one request for a token of the managed identity may take. */
  credentialTimeLimitInMs: number;
  requestScope?: RequestScope | undefined;
  telemetry?: Telemetry | undefined;
}

const loadSdk = onDemand(() => require('./dataTables.js') as typeof import('./dataTables.js'));

/** The SDK is loaded with the first call: servers with another store do not need it. Throws ApiError. */
export async function createTableClient(
  { endpoint, tableName, accountKey, managedIdentityClientId, workloadIdentity }: TableStoreConfig,
  { credentialTimeLimitInMs, requestScope, telemetry }: TableClientOptions,
) {
  const { AzureNamedKeyCredential, TableClient } = await loadSdk();
  const options = {
    additionalPolicies: [
      ...requestIdPolicies(requestScope),
      ...tracePolicies(telemetry),
      ...responseLimitPolicies,
    ],
    // `upstream` handles retries and time limits.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    // Plain HTTP is accepted on loopback only: see config/tableConnection.ts.
    allowInsecureConnection: endpoint.startsWith('http://'),
  };
  if (accountKey) {
    const credential = new AzureNamedKeyCredential(accountKey.accountName, accountKey.accountKey);
    return new TableClient(endpoint, tableName, credential, options);
  }
  return new TableClient(
    endpoint,
    tableName,
    createManagedIdentityCredential({
      clientId: managedIdentityClientId,
      workloadIdentity,
      timeLimitInMs: credentialTimeLimitInMs,
    }),
    options,
  );
}
