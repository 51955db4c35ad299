import { randomUUID } from 'node:crypto';
import { createCustomIdClient } from '../../acs/customIdClient';
import { createAcsIdentityClient } from '../../acs/acsIdentityClient';
import type { Config } from '../../config/config';
import type { TableStoreConfig } from '../../config/identities';
import { ApiError } from '../../errors';
import { createMappingTable } from '../../identities/stores/table/mappingTable';
import { type Deadline, withDeadline } from '../../resilience/deadline';
import { createUpstream } from '../../resilience/upstream';
import { UpstreamError } from '../../resilience/upstreamError';
import { defaultTimings } from '../../timings';
import { type Check, ok, problem, type Result, warning } from '../check';
import type { DoctorContext } from '../context';
import { explainNoManagedIdentity } from '../managedIdentity';
import { explainNetworkError } from '../network';
import { settingOfEndpoint } from './communication';

/** Whether the chosen store works: creates a test row or identity, and removes it again. Graph has its own checks. */
export function createIdentityStoreChecks(context: DoctorContext, needs: readonly Check[]): Check[] {
  const { identities } = context.config;
  switch (identities.store) {
    case 'graph':
      return [];
    case 'table':
      return [createTableCheck(context, identities.table)];
    case 'acs':
      return [createCustomIdCheck(context, needs)];
  }
}

const upstreamFor = ({ log }: DoctorContext, name: UpstreamError['upstream']) =>
  createUpstream({ name, timings: defaultTimings.upstream, log });
const limitTime =
  ({ callTimeLimitInMs }: DoctorContext) =>
  <T>(work: (deadline: Deadline) => Promise<T>) =>
    withDeadline(callTimeLimitInMs, undefined, work);

function createTableCheck(context: DoctorContext, config: TableStoreConfig): Check {
  const { endpoint, tableName } = config;
  const inTime = limitTime(context);
  return {
    name: 'identity store: table',
    group: 'Identity store',
    settings: ['TABLES_CONNECTION_STRING', 'TABLES_ENDPOINT', 'TABLES_NAME', 'MANAGED_IDENTITY_CLIENT_ID'],
    async run() {
      const table = createMappingTable(config, upstreamFor(context, 'Azure Table Storage'), {
        credentialTimeLimitInMs: defaultTimings.upstream.attemptInMs,
      });
      const partition = `doctor:${randomUUID()}`;
      const row = { communicationUserId: 'doctor', pendingDeletion: false, writeId: randomUUID() };
      let mayRemain = false;
      /** After a failure: the response to a write may have been lost, so the row is read first. */
      const removeRow = async () => {
        const left = await inTime((deadline) => table.get(partition, deadline));
        if (left) await inTime((deadline) => table.delete(partition, left.etag, deadline));
      };
      try {
        await inTime((deadline) => table.ensureExists(deadline));
        mayRemain = true;
        const first = await inTime((deadline) => table.insert(partition, row, deadline));
        if (first === 'exists') return notConditional(endpoint);
        const second = await inTime((deadline) => table.insert(partition, row, deadline));
        const changed = await inTime((deadline) => table.update(partition, first.etag, row, deadline));
        const etag = typeof changed === 'string' ? first.etag : changed.etag;
        const stale = await inTime((deadline) => table.delete(partition, first.etag, deadline));
        const removed = await inTime((deadline) => table.delete(partition, etag, deadline));
        mayRemain = removed !== 'deleted';
        const isConditional = second === 'exists' && stale === 'conflict' && removed === 'deleted';
        return isConditional
          ? ok(`${tableName} at ${endpoint} can be read and written, and writes are conditional`)
          : notConditional(endpoint);
      } catch (error) {
        return explain(error, endpoint, config);
      } finally {
        if (mayRemain) await removeRow().catch(() => undefined);
      }
    },
  };
}

const notConditional = (endpoint: string) =>
  problem(
    `${endpoint} does not check conditions of writes like Azure Table Storage`,
    'Check the address of the table service.',
  );

const unavailable = (endpoint: string, detail: string) =>
  warning(`${endpoint} is unavailable or throttles requests (${detail})`, 'Try again later.');

function explain(
  error: unknown,
  endpoint: string,
  { accountKey, tableName, workloadIdentity }: TableStoreConfig,
): Result {
  if (!(error instanceof ApiError)) throw error;
  const noIdentity = accountKey ? undefined : explainNoManagedIdentity(error, workloadIdentity !== undefined);
  if (noIdentity) return noIdentity;
  const setting = accountKey ? 'TABLES_CONNECTION_STRING' : 'TABLES_ENDPOINT';
  if (!(error instanceof UpstreamError) || error.details.status === undefined)
    return explainNetworkError(error, endpoint, setting);
  const { status, code } = error.details;
  const detail = code ?? `HTTP ${status}`;
  if (status === 429 || status >= 500) return unavailable(endpoint, detail);
  if (status === 401 || status === 403) {
    return accountKey
      ? problem(
          `${endpoint} does not accept the account key for ${tableName} (${detail})`,
          'Copy the connection string again from Azure portal > your storage account > Access keys; check that key access is allowed there, and the network rules.',
        )
      : problem(
          `${endpoint} does not let the managed identity use ${tableName} (${detail})`,
          'Give it the role Storage Table Data Contributor on the storage account, under Access control (IAM), and check the network rules.',
        );
  }
  return problem(
    `${endpoint} does not respond like Azure Table Storage (${detail})`,
    `Check ${setting} and TABLES_NAME.`,
  );
}

function createCustomIdCheck(context: DoctorContext, needs: readonly Check[]): Check {
  const { communication } = context.config;
  const inTime = limitTime(context);
  return {
    name: 'identity store: acs (preview)',
    group: 'Identity store',
    needs,
    async run() {
      const upstream = upstreamFor(context, 'Azure Communication Services');
      const identities = createCustomIdClient(communication, upstream, defaultTimings.upstream);
      const acs = createAcsIdentityClient(communication, upstream);
      const customId = `doctor-${randomUUID()}`;
      const created: string[] = [];
      const create = async () => {
        const found = await inTime((deadline) =>
          identities.findOrCreate(customId, { withToken: false, deadline }),
        );
        if (found !== 'gone') created.push(found.communicationUserId);
      };
      const failure = await create()
        .then(create)
        .then(
          () => undefined,
          (error: unknown) => explainCustomIds(error, communication),
        );
      // Also after a failure, so that no identity is left behind.
      const kept: string[] = [];
      for (const id of new Set(created))
        await inTime((deadline) => acs.deleteUser(id, deadline)).catch(() => kept.push(id));
      const [first, second] = created;
      const found =
        first !== undefined && first === second
          ? ok(
              `custom ids work: creating twice gave one identity${kept.length > 0 ? '' : ', which was deleted again'}`,
            )
          : problem(
              'custom ids do not work: creating twice gave two identities, so users would lose theirs',
              previewMayHaveEnded,
            );
      return [
        failure ?? found,
        ...kept.map((id) =>
          warning(
            `the test identity ${id} could not be deleted`,
            'No user has it. Delete it with an SDK of Communication Services.',
          ),
        ),
      ];
    },
  };
}

const previewMayHaveEnded =
  'The preview of the Communication Services API may have ended: set IDENTITY_STORE=table or graph.';

function explainCustomIds(error: unknown, communication: Config['communication']): Result {
  const { endpoint } = communication;
  if (!(error instanceof ApiError)) throw error;
  if (!(error instanceof UpstreamError) || error.details.status === undefined)
    return explainNetworkError(error, endpoint, settingOfEndpoint(communication));
  const { status, code } = error.details;
  const detail = code ?? `HTTP ${status}`;
  return status === 429 || status >= 500
    ? unavailable(endpoint, detail)
    : problem(`${endpoint} does not offer custom ids (${detail})`, previewMayHaveEnded);
}
