import type { TokenCredential } from '@azure/core-auth';

export interface TableConfig {
  /** The table service of the storage account, or Cosmos DB's Table API, without the table's name. */
  readonly endpoint: string;
  readonly tableName: string;
  readonly credential: { readonly accountName: string; readonly accountKey: string } | TokenCredential;
}
