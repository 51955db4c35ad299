export type StoreName = 'graph' | 'table' | 'table_after_graph' | 'acs';

const noGraph = { AZURE_CLIENT_SECRET: '', GRAPH_ENDPOINT: '' };

/** The settings of a store that has its table, if any, at this address. */
export function settingsOf(store: StoreName, tables: string, tableName: string): Record<string, string> {
  switch (store) {
    case 'graph':
      return { IDENTITY_STORE: 'graph' };
    case 'table':
      return {
        ...noGraph,
        IDENTITY_MAPPING_KEY: '',
        ...tableSettings(tables, tableName),
      };
    case 'table_after_graph':
      return {
        IDENTITY_STORE_FALLBACK: 'graph',
        ...tableSettings(tables, tableName),
      };
    case 'acs':
      return { ...noGraph, IDENTITY_STORE: 'acs' };
  }
}

function tableSettings(tables: string, tableName: string): Record<string, string> {
  return { IDENTITY_STORE: 'table', TABLES_CONNECTION_STRING: tables, TABLES_NAME: tableName };
}

export function connectionString(
  { accountName, accountKey }: { accountName: string; accountKey: string },
  endpoint: string,
): string {
  return `AccountName=${accountName};AccountKey=${accountKey};TableEndpoint=${endpoint};`;
}
