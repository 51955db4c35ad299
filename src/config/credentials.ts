import type { Cloud } from './clouds';
import type { ReadSetting } from './providers';
import { graphStoreIsUsed, type ReadValues } from './requirements';

/** How the server proves to Microsoft Entra ID that it is the registered application, for the On-Behalf-Of exchange. */
export type ClientCredentialConfig =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'certificate'; readonly path: string }
  | {
      readonly kind: 'managed_identity';
      /** The client id of a user-assigned identity; undefined for the system-assigned one. */
      readonly clientId: string | undefined;
      /** The audience that the federated credential accepts. */
      readonly audience: string;
    }
  | { readonly kind: 'token_file'; readonly path: string };

/** Workload identity on Kubernetes: a token of the cluster is exchanged for a token of an identity in Entra ID. */
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

/**
 * Undefined outside Kubernetes, where the host's managed identity is used, and if each service has a key. The identity belongs to the
 * tenant of the provider `entra`, even if that provider signs in no users.
 */
export function readWorkloadIdentity(
  values: ReadValues,
  read: ReadSetting,
): WorkloadIdentityConfig | undefined {
  const { AZURE_FEDERATED_TOKEN_FILE: tokenFile } = values;
  const endpoint = values.COMMUNICATION_SERVICES_ENDPOINT ?? values.TABLES_ENDPOINT;
  if (tokenFile === undefined || endpoint === undefined) return undefined;
  const [authorityHost, tenantId] = [read('AZURE_AUTHORITY_HOST', ''), read('AZURE_TENANT_ID', '')];
  return authorityHost === undefined || tenantId === undefined
    ? undefined
    : { tokenFile, authorityHost, tenantId };
}
