import type { WorkloadIdentityConfig } from './credentials';
import type { MappingKeys } from './formats';
import type { ReadValues } from './requirements';
import type { TableConnection } from './tableConnection';

/** The chosen identity store, with what it needs and nothing else. */
export type IdentitiesConfig = (GraphIdentities | TableIdentities | AcsIdentities) & {
  /** How long a reused token is returned without a check of its identity; undefined: always. */
  readonly reuseCheckInMs: number | undefined;
};

export interface GraphIdentities {
  readonly store: 'graph';
  readonly graph: GraphStoreConfig;
  readonly cache: MappingCacheConfig;
}

export interface TableIdentities {
  readonly store: 'table';
  readonly table: TableStoreConfig;
  /** The store that users are moved from. */
  readonly fallback: GraphStoreConfig | undefined;
  readonly cache: MappingCacheConfig;
}

export interface AcsIdentities {
  readonly store: 'acs';
  readonly customIdKey: Buffer;
}

export interface GraphStoreConfig {
  readonly endpoint: string;
  readonly extensionName: string;
  /** The first key seals mappings; all verify them. */
  readonly mappingKeys: MappingKeys;
  readonly adoptUnsigned: boolean;
  readonly oboTokenCacheSize: number;
}

export interface TableStoreConfig {
  /** The table service of the storage account, or Cosmos DB's Table API, without the table's name. */
  readonly endpoint: string;
  readonly tableName: string;
  /** Absent: the server signs in with its managed identity. */
  readonly accountKey: Pick<TableConnection, 'accountName' | 'accountKey'> | undefined;
  readonly managedIdentityClientId: string | undefined;
  /** On Kubernetes, instead of the managed identity of the host. */
  readonly workloadIdentity?: WorkloadIdentityConfig | undefined;
}

export interface MappingCacheConfig {
  readonly size: number;
  /** 0: mappings are not kept in memory. */
  readonly minutes: number;
}

export function readIdentities(
  values: ReadValues,
  workloadIdentity: WorkloadIdentityConfig | undefined,
): IdentitiesConfig {
  const seconds = values.TOKEN_REUSE_CHECK_SECONDS;
  return { ...readStore(values, workloadIdentity), reuseCheckInMs: seconds ? seconds * 1_000 : undefined };
}

function readStore(
  values: ReadValues,
  workloadIdentity: WorkloadIdentityConfig | undefined,
): GraphIdentities | TableIdentities | AcsIdentities {
  switch (values.IDENTITY_STORE) {
    case 'graph':
      return { store: 'graph', graph: readGraphStore(values), cache: readCache(values) };
    case 'table': {
      const fallback = values.IDENTITY_STORE_FALLBACK === 'graph' ? readGraphStore(values) : undefined;
      return {
        store: 'table',
        table: { ...readTableStore(values), workloadIdentity },
        fallback,
        cache: readCache(values),
      };
    }
    case 'acs':
      return { store: 'acs', customIdKey: wasRead(values.IDENTITY_MAPPING_KEY)[0] };
  }
}

/** The Graph store, whether it is the chosen store or the one that users are moved from. */
export function graphStoreOf(identities: IdentitiesConfig): GraphStoreConfig | undefined {
  switch (identities.store) {
    case 'graph':
      return identities.graph;
    case 'table':
      return identities.fallback;
    case 'acs':
      return undefined;
  }
}

/** The secret keys of the chosen store, as text, so that they can be kept out of logs. */
export function secretsOfStore(identities: IdentitiesConfig): string[] {
  const keys =
    identities.store === 'acs' ? [identities.customIdKey] : (graphStoreOf(identities)?.mappingKeys ?? []);
  const accountKey = identities.store === 'table' ? identities.table.accountKey?.accountKey : undefined;
  return [...keys.map((key) => key.toString('base64')), ...(accountKey === undefined ? [] : [accountKey])];
}

function readGraphStore(values: ReadValues): GraphStoreConfig {
  return {
    endpoint: wasRead(values.GRAPH_ENDPOINT),
    extensionName: wasRead(values.GRAPH_EXTENSION_NAME),
    mappingKeys: wasRead(values.IDENTITY_MAPPING_KEY),
    adoptUnsigned: values.IDENTITY_MAPPING_UNSIGNED === 'adopt',
    oboTokenCacheSize: wasRead(values.OBO_TOKEN_CACHE_SIZE),
  };
}

function readTableStore(values: ReadValues): TableStoreConfig {
  const connection = values.TABLES_CONNECTION_STRING;
  return {
    endpoint: wasRead(connection?.endpoint ?? values.TABLES_ENDPOINT),
    tableName: wasRead(values.TABLES_NAME),
    accountKey: connection && { accountName: connection.accountName, accountKey: connection.accountKey },
    managedIdentityClientId: values.MANAGED_IDENTITY_CLIENT_ID,
  };
}

function readCache(values: ReadValues): MappingCacheConfig {
  return {
    size: wasRead(values.IDENTITY_CACHE_SIZE),
    minutes: wasRead(values.IDENTITY_CACHE_MINUTES),
  };
}

/** For settings that the chosen store uses: requirements.ts says which are read. */
function wasRead<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a setting is used that was not read');
  return value;
}
