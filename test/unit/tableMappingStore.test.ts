import { setImmediate } from 'node:timers/promises';
import { AuthenticatedUser } from '../../src/authentication/authenticatedUser';
import type { MappingTable } from '../../src/identities/stores/table/mappingTable';
import { createTableMappingStore } from '../../src/identities/stores/table/tableMappingStore';
import { withDeadline } from '../../src/resilience/deadline';

const user = new AuthenticatedUser({
  key: 'tenant:user',
  issuer: 'https://localhost/tenant/v2.0',
  subject: 'user',
  clientId: undefined,
  expiresAt: 0,
  accessToken: '',
  accessTokenHash: '',
});

it('a table that reports a row and does not return it is not asked again without a pause', async () => {
  let calls = 0;
  async function call<T>(outcome: T, signal: AbortSignal): Promise<T> {
    calls += 1;
    await setImmediate();
    signal.throwIfAborted();
    return outcome;
  }
  const table: Partial<MappingTable> = {
    get: (_key, { signal }) => call(undefined, signal),
    insert: (_key, _row, { signal }) => call('exists' as const, signal),
  };
  const store = createTableMappingStore(table as MappingTable, { conflictPauseInMs: 50 });
  const cancelled = withDeadline(200, undefined, (deadline) => store.cancelAdd(user, '8:acs:1_2', deadline));
  await expect(cancelled).rejects.toThrow();
  expect(calls).toBeLessThanOrEqual(10);
});
