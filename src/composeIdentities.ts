import type { Log } from './log';
import type { AcsIdentityClient } from './acs/acsIdentityClient';
import type { EntraParts } from './composeProviders';
import type { Config } from './config/config';
import type { AcsIdentities, GraphStoreConfig, TableIdentities } from './config/identities';
import { createIdentityLifecycle, type IdentityLifecycle } from './identities/identityLifecycle';
import type { MappingStore } from './identities/mappingStore';
import type { PreviousMappingStore } from './identities/stores/fallback/fallbackMappingStore';
import type { TableAvailability } from './identities/stores/table/tableAvailability';
import type { HttpClient } from './resilience/httpClient';
import type { PendingWork } from './resilience/pendingWork';
import type { RequestScope } from './requestScope';
import { createUpstream } from './resilience/upstream';
import type { Telemetry } from './telemetry/telemetry';
import type { Timings } from './timings';

/** The lifecycle of identities over the chosen store. */
export interface IdentityParts {
  readonly lifecycle: IdentityLifecycle;
  /** Prepares the store for its first use, in the background. */
  start(): void;
  /** Why no identity can be found or created until an operator acts; undefined if nothing is known to be wrong. */
  unavailableReason(): string | undefined;
  /** Ends the preparation of the store. */
  stop(): void;
}

export interface IdentityPartsOptions {
  config: Config;
  acs: AcsIdentityClient;
  /** Absent if the users do not come from Microsoft Entra ID. */
  entra: EntraParts | undefined;
  http: HttpClient;
  pendingWork: PendingWork;
  requestScope: RequestScope | undefined;
  timings: Timings;
  log: Log;
  telemetry: Telemetry | undefined;
}

/** What a store adds to the server. */
interface ComposedStore {
  readonly store: MappingStore;
  /** Only for a backend that must be prepared before its first use. */
  readonly availability?: TableAvailability;
}

/** Builds the parts of the chosen store. Other stores and their packages are not loaded. */
export async function composeIdentities(options: IdentityPartsOptions): Promise<IdentityParts> {
  const { identities } = options.config;
  switch (identities.store) {
    case 'graph':
      return overStore({ store: await composeGraphStore(identities.graph, options) }, options);
    case 'table':
      return overStore(await composeTableStore(identities, options), options);
    case 'acs':
      return composeCustomIds(identities, options);
  }
}

function overStore(
  { store, availability }: ComposedStore,
  { acs, pendingWork, timings, log, telemetry }: IdentityPartsOptions,
): IdentityParts {
  return {
    lifecycle: createIdentityLifecycle({ store, acs, pendingWork, timings, log, telemetry }),
    start: () => availability?.start(),
    unavailableReason: () => availability?.unavailableReason(),
    stop: () => availability?.stop(),
  };
}

async function composeGraphStore(
  { endpoint, extensionName, mappingKeys, adoptUnsigned, oboTokenCacheSize }: GraphStoreConfig,
  { config, entra, http, requestScope, timings, log, telemetry }: IdentityPartsOptions,
): Promise<PreviousMappingStore> {
  const [
    { createOboTokens },
    { createAppTokens },
    { createClientCredential },
    { createExtensionClient },
    { createMappingSeal },
    { createGraphMappingStore },
  ] = await Promise.all([
    import('./entra/oboTokens.js'),
    import('./entra/appTokens.js'),
    import('./entra/clientCredential/createClientCredential.js'),
    import('./graph/extensionClient.js'),
    import('./identities/stores/graph/mappingSeal.js'),
    import('./identities/stores/graph/graphMappingStore.js'),
  ]);
  if (!entra || !config.entra) throw new TypeError('Microsoft Graph needs Microsoft Entra ID');
  const { authority, challenges } = entra;
  const { authorityHost, tenantId, clientId, credential } = config.entra;
  if (credential === undefined) throw new TypeError('Microsoft Graph needs a client credential');
  const clientCredential = await createClientCredential(credential, {
    timings: timings.upstream,
    log,
    telemetry,
  });
  const application = {
    authority,
    authorityHost,
    tenantId,
    clientId,
    credential: clientCredential,
    graphEndpoint: endpoint,
    http,
    requestScope,
    upstream: createUpstream({ name: 'Microsoft Entra ID', timings: timings.upstream, log, telemetry }),
    workTimeLimitInMs: timings.workInMs,
    log,
  };
  const oboTokens = createOboTokens({
    ...application,
    cacheSize: oboTokenCacheSize,
    challenges,
    telemetry,
  });
  return createGraphMappingStore({
    extensions: createExtensionClient({
      endpoint,
      extensionName,
      oboTokens,
      appTokens: createAppTokens(application),
      http,
      upstream: createUpstream({ name: 'Microsoft Graph', timings: timings.upstream, log, telemetry }),
      challenges,
    }),
    seal: createMappingSeal(mappingKeys),
    adoptUnsigned,
    timings: timings.mappings,
    log,
  });
}

async function composeTableStore(
  { table: config, fallback }: TableIdentities,
  options: IdentityPartsOptions,
): Promise<ComposedStore> {
  const { requestScope, timings, log, telemetry } = options;
  const [{ createMappingTable }, { createTableMappingStore }, { createTableAvailability }] =
    await Promise.all([
      import('./identities/stores/table/mappingTable.js'),
      import('./identities/stores/table/tableMappingStore.js'),
      import('./identities/stores/table/tableAvailability.js'),
    ]);
  const upstream = createUpstream({ name: 'Azure Table Storage', timings: timings.upstream, log, telemetry });
  const table = createMappingTable(config, upstream, {
    credentialTimeLimitInMs: timings.upstream.attemptInMs,
    requestScope,
    telemetry,
    onMissing: () => availability.start(),
  });
  const { tableName } = config;
  const availability = createTableAvailability({ table, tableName, timings: timings.table, log });
  const store = createTableMappingStore(table, timings.mappings);
  if (!fallback) return { store, availability };
  const { createFallbackMappingStore } = await import('./identities/stores/fallback/fallbackMappingStore.js');
  const previous = await composeGraphStore(fallback, options);
  return { store: createFallbackMappingStore({ current: store, previous, log }), availability };
}

async function composeCustomIds(
  { customIdKey }: AcsIdentities,
  { config, acs, requestScope, timings, log, telemetry }: IdentityPartsOptions,
): Promise<IdentityParts> {
  const [{ createCustomIdClient }, { createCustomIdLifecycle }] = await Promise.all([
    import('./acs/customIdClient.js'),
    import('./identities/customId/customIdLifecycle.js'),
  ]);
  log.warn(
    {},
    'IDENTITY_STORE=acs is a preview: it relies on a preview version of the Communication Services API, which may change or end',
  );
  const upstream = createUpstream({
    name: 'Azure Communication Services',
    timings: timings.upstream,
    log,
    telemetry,
  });
  const identities = createCustomIdClient(config.communication, upstream, {
    ...timings.upstream,
    requestScope,
    telemetry,
  });
  return {
    lifecycle: createCustomIdLifecycle({ acs, identities, key: customIdKey, telemetry }),
    start: () => undefined,
    unavailableReason: () => undefined,
    stop: () => undefined,
  };
}
