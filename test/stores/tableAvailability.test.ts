import { azuriteStartTimeoutInMs } from '../support/azurite';
import { until } from '../support/until';
import { newCaller, startStoreSystem, type StoreSystem } from './storeSystems';

let system: StoreSystem;
const isReady = async () => (await system.call('get', '/health/ready')).status === 200;
beforeAll(async () => {
  system = await startStoreSystem('table');
  await until(isReady);
}, azuriteStartTimeoutInMs);
afterEach(() => system.proxy?.clear());
afterAll(() => system.stop());

const tableCalls = () => Object.values(system.proxy?.calls() ?? {}).reduce((sum, count) => sum + count, 0);

it('a ready server reports so without a call', async () => {
  const before = tableCalls();
  for (let request = 0; request < 10; request += 1) expect(await isReady()).toBe(true);
  expect(tableCalls()).toBe(before);
});

it('a table that an operator has removed is created again by the next request', async () => {
  await system.deleteTable();
  const { token } = newCaller(system);
  await system.call('get', '/getToken', token).expect(200);
  expect(await system.mappedIds()).toHaveLength(1);
  expect(await isReady()).toBe(true);
});

it('a server that may not create the table is not ready, and says so', async () => {
  system.proxy?.refuse(403, 'AuthorizationPermissionMismatch');
  const server = await system.startAnother();
  let reason: unknown;
  await until(async () => {
    const { status, body } = await server.call('get', '/health/ready');
    reason = (body as { reason?: unknown }).reason;
    return status === 503 && String(reason).includes('HTTP 403');
  });
  expect(reason).toContain(system.settings.TABLES_NAME);
  expect(reason).toContain('Storage Table Data Contributor');
});

it('a server whose account key was regenerated is not ready, and names the key rather than a role', async () => {
  system.proxy?.refuse(403, 'AuthenticationFailed');
  const server = await system.startAnother();
  let reason = '';
  await until(async () => {
    const { body } = await server.call('get', '/health/ready');
    reason = String((body as { reason?: unknown }).reason);
    return reason.includes('HTTP 403');
  });
  expect(reason).toContain('account key in TABLES_CONNECTION_STRING');
  expect(reason).not.toContain('role');
});

it('becomes ready once it may', async () => {
  system.proxy?.refuse(403, 'AuthorizationPermissionMismatch');
  const server = await system.startAnother();
  await until(async () => {
    const { body } = await server.call('get', '/health/ready');
    return String((body as { reason?: unknown }).reason).includes('HTTP 403');
  });
  system.proxy?.clear();
  await until(async () => (await server.call('get', '/health/ready')).status === 200);
});

it.each([
  [403, 'AuthorizationFailure', 502, 'upstream_refused'],
  [500, 'InternalError', 503, 'upstream_unavailable'],
  [503, 'ServerBusy', 503, 'upstream_unavailable'],
  [429, 'TooManyRequests', 503, 'upstream_throttled'],
])('a table service that returns %i %s makes a %i %s', async (status, code, expected, error) => {
  system.proxy?.refuse(status, code);
  const response = await system.call('get', '/api/user', newCaller(system).token);
  expect({ status: response.status, code: response.headers['x-ms-error-code'] }).toEqual({
    status: expected,
    code: error,
  });
  expect(response.headers['retry-after'] !== undefined).toBe(expected === 503);
});
