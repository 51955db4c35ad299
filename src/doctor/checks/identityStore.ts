import { randomUUID } from 'node:crypto';
import { createCustomIdClient } from '../../acs/customIdClient';
import { createAcsIdentityClient } from '../../acs/acsIdentityClient';
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
      try {
        await inTime((deadline) => table.ensureExists(deadline));
        const first = await inTime((deadline) => table.insert(partition, row, deadline));
        if (first === 'exists') return notConditional(endpoint);
        const second = await inTime((deadline) => table.insert(partition, row, deadline));
        const changed = await inTime((deadline) => table.update(partition, first.etag, row, deadline));
        const etag = typeof changed === 'string' ? first.etag : changed.etag;
        const stale = await inTime((deadline) => table.delete(partition, first.etag, deadline));
        const removed = await inTime((deadline) => table.delete(partition, etag, deadline));
        const isConditional = second === 'exists' && stale === 'conflict' && removed === 'deleted';
        return isConditional
          ? ok(`${tableName} at ${endpoint} can be read and written, and writes are conditional`)
          : notConditional(endpoint);
      } catch (error) {
        return explain(error, endpoint, config);
      }
    },
  };
}

const notConditional = (endpoint: string) =>
  problem(
    `${endpoint} does not check conditions of writes like Azure Table Storage`,
    'Check the address of the table service.',
  );

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
  if (status === 429 || status >= 500)
    return warning(`${endpoint} is unavailable or throttles requests (${detail})`, 'Try again later.');
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
      const create = () =>
        inTime((deadline) => identities.findOrCreate(customId, { withToken: false, deadline }));
      try {
        const [first, second] = [await create(), await create()];
        const ids = [first, second].flatMap((one) => (one === 'gone' ? [] : [one.communicationUserId]));
        for (const id of new Set(ids)) await inTime((deadline) => acs.deleteUser(id, deadline));
        return ids.length === 2 && ids[0] === ids[1]
          ? ok('custom ids work: creating twice gave one identity, which was deleted again')
          : problem(
              'custom ids do not work: creating twice gave two identities, so users would lose theirs',
              'The preview of the Communication Services API may have ended: set IDENTITY_STORE=table or graph.',
            );
      } catch (error) {
        if (!(error instanceof UpstreamError) || error.details.status === undefined) {
          if (error instanceof ApiError)
            return explainNetworkError(
              error,
              communication.endpoint,
              'COMMUNICATION_SERVICES_CONNECTION_STRING',
            );
          throw error;
        }
        const { status, code } = error.details;
        return problem(
          `${communication.endpoint} does not offer custom ids (${code ?? `HTTP ${status}`})`,
          'The preview of the Communication Services API may have ended: set IDENTITY_STORE=table or graph.',
        );
      }
    },
  };
}
