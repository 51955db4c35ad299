import type { Config } from '../config/config';
import { graphStoreOf } from '../config/identities';
import type { ProviderConfig } from '../config/providers';

/** The address of a service, and what sets it. */
export interface Address {
  readonly setting: string;
  readonly url: string;
  readonly hasKey?: boolean;
}

/** The settings that contain addresses. */
export const addressSettings = [
  'AZURE_CLOUD',
  'AZURE_AUTHORITY_HOST',
  'GRAPH_ENDPOINT',
  'COMMUNICATION_SERVICES_CONNECTION_STRING',
  'COMMUNICATION_SERVICES_ENDPOINT',
  'TABLES_CONNECTION_STRING',
  'TABLES_ENDPOINT',
] as const;

export function addressesOf({ providers, communication, identities }: Config): Address[] {
  const graph = graphStoreOf(identities);
  const table = identities.store === 'table' ? identities.table : undefined;
  return [
    ...providers.map(addressOfProvider),
    ...(graph ? [{ setting: 'GRAPH_ENDPOINT', url: graph.endpoint }] : []),
    {
      setting: 'the Communication Services resource',
      url: communication.endpoint,
      hasKey: communication.accessKey !== undefined,
    },
    ...(table
      ? [{ setting: 'the table service', url: table.endpoint, hasKey: table.accountKey !== undefined }]
      : []),
  ];
}

function addressOfProvider(provider: ProviderConfig): Address {
  switch (provider.kind) {
    case 'entra':
      return { setting: 'AZURE_AUTHORITY_HOST', url: provider.authorityHost };
    case 'external_id':
      return { setting: 'EXTERNAL_ID_AUTHORITY_HOST', url: provider.authorityHost };
    case 'b2c':
      return { setting: 'B2C_AUTHORITY_HOST', url: provider.authorityHost };
    case 'oidc':
      return { setting: 'OIDC_ISSUER', url: provider.issuer };
  }
}
