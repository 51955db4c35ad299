import { attributeNames, metricNames } from '../../src/telemetry/names';
import { type Envelope, startIngestion } from '../support/collector';
import { startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';
import { until } from '../support/until';

let ingestion: Awaited<ReturnType<typeof startIngestion>>;
let system: System;
beforeAll(async () => {
  ingestion = await startIngestion();
  system = await startReadySystem({ APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString });
});
afterAll(async () => {
  await system.stop();
  await ingestion.stop();
});

const dataOf = (type: string) =>
  ingestion.envelopes.filter(({ data }) => data.baseType === type).map(({ data }) => data.baseData);
const metricsOf = (name: string) =>
  dataOf('MetricData').filter(({ metrics }) => metrics?.some((metric) => metric.name === name));
const rolesOf = (envelopes: readonly Envelope[]) =>
  new Set(envelopes.map(({ tags }) => tags['ai.cloud.role']));

/** Checks the data that the queries of the workbook and the alerts use. */
it('Application Insights gets requests, dependencies, traces and metrics in the form that the queries expect', async () => {
  const { emulator } = system;
  emulator.fail({ operation: 'graph.me', kind: 'status', status: 503, times: 1 });
  const accessToken = emulator.accessToken({ user: emulator.addUser() });
  expect((await system.call('get', '/api/token', accessToken)).status).toBe(200);
  emulator.fail({ operation: 'acs.token.issue', kind: 'status', status: 503, times: Infinity });
  const failed = system.call('get', '/api/token', accessToken).set('Cache-Control', 'no-cache');
  expect((await failed).status).toBe(503);
  await system.call('get', '/api/token');
  await until(() => dataOf('RequestData').length >= 3 && metricsOf(metricNames.refusedTokens).length > 0);

  expect(dataOf('RequestData')).toEqual([
    expect.objectContaining({ name: 'GET /api/token', responseCode: '200', success: true }),
    expect.objectContaining({ name: 'GET /api/token', responseCode: '503', success: false }),
    expect.objectContaining({ name: 'GET /api/token', responseCode: '401', success: false }),
  ]);
  expect(dataOf('RequestData')[1]?.properties).toMatchObject({
    [attributeNames.error]: 'upstream_unavailable',
  });
  const dependencies = dataOf('RemoteDependencyData');
  expect(dependencies).toContainEqual(
    expect.objectContaining({
      name: 'Azure Communication Services: issue token',
      success: false,
      resultCode: '503',
      properties: expect.objectContaining({
        [attributeNames.upstream]: 'Azure Communication Services',
        [attributeNames.operation]: 'issue token',
      }) as unknown,
    }),
  );
  expect(dependencies).toContainEqual(
    expect.objectContaining({ name: 'Microsoft Graph: read user and extensions', success: true }),
  );
  expect(dataOf('MessageData').map(({ message }) => message)).toEqual(['retry', 'retry', 'retry']);
  expect(metricsOf(metricNames.refusedTokens)).toContainEqual(
    expect.objectContaining({
      metrics: [expect.objectContaining({ value: 1 })],
      properties: { [attributeNames.reason]: 'missing_token' },
    }),
  );
  for (const name of [metricNames.identities, metricNames.cacheLookups, metricNames.eventLoopP99]) {
    await until(() => metricsOf(name).length > 0);
  }
  expect(metricsOf(metricNames.cacheLookups)[0]?.properties?.[attributeNames.hit]).toMatch(/^(true|false)$/);
  expect(rolesOf(ingestion.envelopes)).toEqual(new Set(['acs-authentication-server']));
});

it('nothing but telemetry is sent, and only to the address in the connection string', () => {
  // Without it, the exporter sends statistics to Microsoft.
  expect(process.env.APPLICATION_INSIGHTS_NO_STATSBEAT).toBe('true');
  expect(new Set(ingestion.requests.map(({ path }) => path))).toEqual(new Set(['/v2.1/track']));
  expect(ingestion.envelopes.filter(({ name }) => name.includes('Statsbeat'))).toEqual([]);
});

it('a connection string with spaces around its parts, and a semicolon at its end, is understood', async () => {
  const spaced = ` ${ingestion.connectionString.replaceAll('=', ' = ').replaceAll(';', ' ; ')} ; `;
  const server = await system.startAnother({ APPLICATIONINSIGHTS_CONNECTION_STRING: spaced });
  const earlier = dataOf('RequestData').length;
  await server.call('get', '/api/token');
  await until(() => dataOf('RequestData').length > earlier);
  await server.stop();
});
