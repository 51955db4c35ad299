import pino from 'pino';
import { type CommunicationUsers, createCommunicationUsers } from '../src/identities/communicationUsers';
import type { AcsIdentityClient } from '../src/acs/acsIdentityClient';
import { createCustomIdLifecycle } from '../src/identities/customId/customIdLifecycle';
import { createIdentityLifecycle, type IdentityLifecycle } from '../src/identities/identityLifecycle';
import type { MappingStore, StoredMapping } from '../src/identities/mappingStore';
import { createGraphMappingStore } from '../src/identities/stores/graph/graphMappingStore';
import { createMappingSeal } from '../src/identities/stores/graph/mappingSeal';
import { createMemoryMappingStore } from '../src/identities/stores/memory/memoryMappingStore';
import { createTableMappingStore } from '../src/identities/stores/table/tableMappingStore';
import { createPendingWork } from '../src/resilience/pendingWork';
import { createUpstream } from '../src/resilience/upstream';
import type { UpstreamName } from '../src/resilience/upstreamError';
import { defaultTimings as timings } from '../src/timings';
import { createIssuedTokenCache } from '../src/tokens/issuedTokenCache';
import type { Scheduler } from './scheduler';
import { type AcsService, createAcsService } from './services/acs';
import { createGraphService, type GraphService } from './services/graph';
import { createTableService } from './services/table';

export const storeKinds = ['memory', 'table', 'acs', 'graph'] as const;
export type StoreKind = (typeof storeKinds)[number];

/** What all instances share. */
export interface Services {
  readonly acs: AcsService;
  /** For one instance, with its own ACS client. */
  readonly createLifecycle: (acs: AcsIdentityClient) => IdentityLifecycle;
  /** The identities that are mapped, usable or not. */
  readonly mappedIds: () => string[];
}

const log = pino({ level: 'silent' });
const mappingKey = Buffer.alloc(32, 1);
/** Less than the total time that the Graph store waits. */
const maxLagInMs = 1_000;

const upstream = (name: UpstreamName) => createUpstream({ name, timings: timings.upstream, log });

export function createSimulatedServices(kind: StoreKind, scheduler: Scheduler): Services {
  const acs = createAcsService(scheduler);
  switch (kind) {
    case 'memory': {
      const mappings = new Map<string, StoredMapping>();
      const store = createMemoryMappingStore(mappings);
      return {
        acs,
        createLifecycle: (client) => lifecycleOver(store, client),
        mappedIds: () => [...mappings.values()].map(({ communicationUserId }) => communicationUserId),
      };
    }
    case 'table': {
      const table = createTableService(scheduler);
      return {
        acs,
        createLifecycle: (client) =>
          lifecycleOver(
            createTableMappingStore(table.client(upstream('Azure Table Storage')), timings.mappings),
            client,
          ),
        mappedIds: () =>
          table
            .rows()
            .map(({ communicationUserId }) => communicationUserId)
            .filter((id) => id !== ''),
      };
    }
    case 'acs':
      return {
        acs,
        createLifecycle: (client) =>
          createCustomIdLifecycle({
            identities: acs.customIdClient(upstream('Azure Communication Services')),
            acs: client,
            key: mappingKey,
          }),
        mappedIds: () => acs.idsWithCustomId(),
      };
    case 'graph': {
      const graph = createGraphService(scheduler, maxLagInMs);
      return {
        acs,
        createLifecycle: (client) => lifecycleOver(openGraphStore(graph), client),
        mappedIds: () => graph.extensions().map(({ acsUserIdentity }) => String(acsUserIdentity)),
      };
    }
  }
}

function openGraphStore(graph: GraphService): MappingStore {
  return createGraphMappingStore({
    extensions: graph.client(upstream('Microsoft Graph')),
    seal: createMappingSeal([mappingKey]),
    adoptUnsigned: false,
    timings: timings.mappings,
    log,
  });
}

function lifecycleOver(store: MappingStore, acs: AcsIdentityClient): IdentityLifecycle {
  return createIdentityLifecycle({ store, acs, pendingWork: createPendingWork(), timings, log });
}

/** The parts of the server that decide about identities, as composition.ts builds them. */
export function createInstance({ acs: service, createLifecycle }: Services): CommunicationUsers {
  const acs = service.client(upstream('Azure Communication Services'));
  return createCommunicationUsers({
    lifecycle: createLifecycle(acs),
    acs,
    // Tokens are not reused: docs/known-issues.md says what happens with several instances if they are.
    issuedTokens: createIssuedTokenCache({ reuseInMinutes: 0, size: 100 }),
    pendingWork: createPendingWork(),
    mappingCacheSize: 100,
    mappingCacheMinutes: 5,
    workTimeLimitInMs: timings.workInMs,
    reuseCheckInMs: timings.reuseCheckInMs,
  });
}
