import pino from 'pino';
import { createChallenges } from '../../src/authentication/challenge';
import { createExtensionClient } from '../../src/graph/extensionClient';
import type { MappingStore } from '../../src/identities/mappingStore';
import { createGraphMappingStore } from '../../src/identities/stores/graph/graphMappingStore';
import { createMappingSeal } from '../../src/identities/stores/graph/mappingSeal';
import { createMappingTable, type MappingTable } from '../../src/identities/stores/table/mappingTable';
import { createTableMappingStore } from '../../src/identities/stores/table/tableMappingStore';
import { createHttpClient } from '../../src/resilience/httpClient';
import { createUpstream } from '../../src/resilience/upstream';
import type { UpstreamName } from '../../src/resilience/upstreamError';
import { fastTimings } from '../support/fastTimings';

/** Where a store keeps its mappings: plain data, so that a test can pass it to another process. */
export type StoreAddress =
  | { kind: 'table'; endpoint: string; tableName: string; accountName: string; accountKey: string }
  | { kind: 'graph'; endpoint: string; extensionName: string; mappingKey: string };

const log = pino({ level: 'silent' });
const upstream = (name: UpstreamName) => createUpstream({ name, timings: fastTimings.upstream, log });

/** Opens a store as an instance of the server does. */
export function openStore(address: StoreAddress): MappingStore {
  return address.kind === 'table'
    ? createTableMappingStore(openTable(address), fastTimings.mappings)
    : openGraphStore(address);
}

export function openTable(address: StoreAddress & { kind: 'table' }): MappingTable {
  const { endpoint, tableName, accountName, accountKey } = address;
  return createMappingTable(
    { endpoint, tableName, accountKey: { accountName, accountKey }, managedIdentityClientId: undefined },
    upstream('Azure Table Storage'),
    { credentialTimeLimitInMs: fastTimings.upstream.attemptInMs },
  );
}

/** Without On-Behalf-Of: the users of this suite have a token for Graph instead of one for the server. */
function openGraphStore({
  endpoint,
  extensionName,
  mappingKey,
}: StoreAddress & { kind: 'graph' }): MappingStore {
  const extensions = createExtensionClient({
    endpoint,
    extensionName,
    oboTokens: {
      getGraphToken: (user) => Promise.resolve(user.accessToken),
      evictGraphToken: () => undefined,
    },
    http: createHttpClient(),
    upstream: upstream('Microsoft Graph'),
    challenges: createChallenges({ realm: 'api://test', authorizationUri: endpoint, requiredScope: 'test' }),
  });
  return createGraphMappingStore({
    extensions,
    seal: createMappingSeal([Buffer.from(mappingKey, 'base64')]),
    adoptUnsigned: false,
    timings: fastTimings.mappings,
    log,
  });
}
