import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '../../emulator/startEmulator';
import { AuthenticatedUser } from '../../src/authentication/authenticatedUser';
import { createEntraUser } from '../../src/authentication/entra/entraProvider';
import { decodeJwt } from '../../src/authentication/jwt';
import type { MappingStore } from '../../src/identities/mappingStore';
import { createMemoryMappingStore } from '../../src/identities/stores/memory/memoryMappingStore';
import { withDeadline } from '../../src/resilience/deadline';
import { newTableName, startAzurite } from '../support/azurite';
import { openStore, openTable, type StoreAddress } from './openStore';
import { type ProxyFault, startFaultyProxy } from './faultyProxy';

export type StoreOperation = 'find' | 'add' | 'replace' | 'remove';

/** A service that keeps mappings, for the conformance suite. */
export interface Backend {
  /** Opens the store for a separate instance. */
  open(): MappingStore;
  /** A user without a mapping; `objectId` only where `anyUserId`. */
  newUser(objectId?: string): AuthenticatedUser;
  /** For another process, if there can be one. */
  readonly address?: StoreAddress;
  /** Makes calls of this operation fail. */
  fail?(fault: ProxyFault, operation: StoreOperation, times: number): void;
  /** Stops the service, runs the work (one operation), and starts the service again with its data. */
  whileStopped?(work: () => Promise<void>): Promise<void>;
  reset(): void;
  stop(): Promise<void>;
}

export interface BackendKind {
  /** Whether a change of an outdated version has no effect. Graph: docs/known-issues.md. */
  readonly conditionalWrites: boolean;
  /** Whether it accepts users whose ids are not from Entra. */
  readonly anyUserId: boolean;
  start(): Promise<Backend>;
}

/** Keeps the id unchanged, even if it is not a GUID in lower case, like those of Entra. */
function anyUser(objectId: string = randomBytes(16).toString('hex')): AuthenticatedUser {
  return new AuthenticatedUser({
    key: `tenant:${objectId}`,
    issuer: 'https://localhost/tenant/v2.0',
    subject: objectId,
    clientId: undefined,
    expiresAt: 0,
    accessToken: '',
    accessTokenHash: '',
    entra: { tenantId: 'tenant', objectId },
  });
}

export const backends: Record<'memory' | 'table' | 'graph', BackendKind> = {
  memory: {
    conditionalWrites: true,
    anyUserId: true,
    start() {
      const store = createMemoryMappingStore();
      return Promise.resolve({
        open: () => store,
        newUser: anyUser,
        reset: () => undefined,
        stop: () => Promise.resolve(),
      });
    },
  },
  table: { conditionalWrites: true, anyUserId: true, start: startTable },
  graph: { conditionalWrites: false, anyUserId: false, start: startGraph },
};

async function startTable(): Promise<Backend> {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-'));
  const azurite = await startAzurite({ folder });
  const proxy = await startFaultyProxy(azurite.endpoint);
  const { accountName, accountKey } = azurite;
  const endpoint = `${proxy.origin}/${accountName}`;
  const address: StoreAddress = {
    kind: 'table',
    endpoint,
    tableName: newTableName(),
    accountName,
    accountKey,
  };
  // Loaded before the first call, whose time limit is for the service: on a busy machine loading alone can take that long.
  await import('@azure/data-tables');
  await withDeadline(10_000, undefined, (deadline) => openTable(address).ensureExists(deadline));
  const methods = { find: 'GET', add: 'POST', replace: 'PUT', remove: 'DELETE' };
  return {
    address,
    open: () => openStore(address),
    newUser: anyUser,
    fail: (fault, operation, times) => proxy.fail(fault, methods[operation], times),
    async whileStopped(work) {
      await azurite.stop();
      try {
        await work();
      } finally {
        await azurite.start();
      }
    },
    reset: () => proxy.clear(),
    async stop() {
      await proxy.stop();
      await azurite.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startGraph(): Promise<Backend> {
  const emulator = await startEmulator();
  const address: StoreAddress = {
    kind: 'graph',
    endpoint: emulator.url,
    extensionName: 'com.contoso.identityMapping',
    mappingKey: emulator.settings().IDENTITY_MAPPING_KEY ?? '',
  };
  const operations = {
    find: 'graph.me',
    add: 'graph.extension.create',
    replace: 'graph.extension.update',
    remove: 'graph.extension.delete',
  };
  return {
    address,
    open: () => openStore(address),
    newUser() {
      const token = emulator.graphToken({ user: emulator.addUser() });
      const jwt = decodeJwt(token);
      if (!jwt) throw new Error('the emulator issued a malformed token');
      const accessTokenHash = createHash('sha256').update(token).digest('hex');
      return createEntraUser({ jwt, accessToken: token, accessTokenHash });
    },
    fail(fault, operation, times) {
      const [common, status] = [{ operation: operations[operation], times }, 429];
      if (fault === 'throttled')
        emulator.fail({ ...common, kind: 'status', status, headers: { 'Retry-After': '1' } });
      else emulator.fail({ ...common, kind: fault === 'dropped' ? 'drop' : 'replyLost' });
    },
    // The emulator keeps its state, as Graph does, and only drops every attempt of one operation.
    whileStopped(work) {
      emulator.fail({ operation: 'graph', kind: 'drop', times: 3 });
      return work();
    },
    reset: () => emulator.reset(),
    stop: () => emulator.stop(),
  };
}
