import type { Cloud } from './clouds';
import { graphStoreIsUsed, type ReadValues } from './requirements';

/** How the server proves to Microsoft Entra ID that it is the registered application, for the On-Behalf-Of exchange. */
export type ClientCredentialConfig =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'certificate'; readonly path: string }
  | {
      readonly kind: 'managed_identity';
      /** Of a user-assigned identity; undefined for the system-assigned one. */
      readonly clientId: string | undefined;
      /** Of the token that the federated credential accepts. */
      readonly audience: string;
    }
  | { readonly kind: 'token_file'; readonly path: string };

/** Kubernetes' workload identity: a token of the cluster, exchanged for one of an identity in Entra ID. */
export interface WorkloadIdentityConfig {
  readonly tokenFile: string;
  readonly authorityHost: string;
  readonly tenantId: string;
}

/** Undefined if no call is made on behalf of a user. */
export function readClientCredential(values: ReadValues, cloud: Cloud): ClientCredentialConfig | undefined {
  if (!graphStoreIsUsed(values)) return undefined;
  if (values.AZURE_CLIENT_SECRET !== undefined) return { kind: 'secret', secret: values.AZURE_CLIENT_SECRET };
  if (values.AZURE_CLIENT_CERTIFICATE_PATH !== undefined)
    return { kind: 'certificate', path: values.AZURE_CLIENT_CERTIFICATE_PATH };
  if (values.AZURE_CLIENT_ASSERTION === 'managed_identity') {
    return {
      kind: 'managed_identity',
      clientId: values.MANAGED_IDENTITY_CLIENT_ID,
      audience: cloud.tokenExchangeAudience,
    };
  }
  if (values.AZURE_FEDERATED_TOKEN_FILE !== undefined)
    return { kind: 'token_file', path: values.AZURE_FEDERATED_TOKEN_FILE };
  return undefined;
}

/** Undefined outside Kubernetes: then the endpoints are called with the managed identity of the host. */
export function readWorkloadIdentity(values: ReadValues): WorkloadIdentityConfig | undefined {
  const { AZURE_FEDERATED_TOKEN_FILE: tokenFile } = values;
  return tokenFile === undefined
    ? undefined
    : { tokenFile, authorityHost: values.AZURE_AUTHORITY_HOST, tenantId: values.AZURE_TENANT_ID };
}
