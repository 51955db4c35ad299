import { type Misbehavior, type Receiver, startCollector, startIngestion } from '../support/collector';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';
import { fastTimings } from '../support/fastTimings';
import { until } from '../support/until';

let system: System;
let timersBefore: number;
beforeAll(async () => {
  system = await startReadySystem();
  timersBefore = activeTimers();
});
/** A stopped server leaves nothing that keeps the process running. */
afterEach(() => until(() => activeTimers() <= timersBefore));
afterAll(() => system.stop());

const activeTimers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;

const chunk = Buffer.alloc(256 * 1024, 'x');

const misbehaviors: readonly [string, Misbehavior][] = [
  ['does not respond', () => undefined],
  ['drops the connection', ({ socket }) => void socket.destroy()],
  ['returns 400', (_request, response) => void response.writeHead(400).end('<html>')],
  ['rejects the credential', (_request, response) => void response.writeHead(401).end()],
  ['returns 503', (_request, response) => void response.writeHead(503, { 'retry-after': '1' }).end()],
  ['throttles', (_request, response) => void response.writeHead(429, { 'retry-after': '9999' }).end()],
  ['returns malformed JSON', (_request, response) => void response.writeHead(206).end('{"errors":')],
  [
    'rejects items that were not sent',
    (_request, response) =>
      void response.writeHead(206).end('{"itemsAccepted":0,"errors":[{"index":9,"statusCode":500}]}'),
  ],
  [
    'redirects in a circle',
    ({ headers }, response) =>
      void response.writeHead(308, { location: `https://${headers.host ?? ''}/` }).end(),
  ],
  [
    'sends a response without an end',
    (_request, response) => {
      response.writeHead(200);
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', write);
      write();
    },
  ],
];

/** With these, nothing is exported. */
const refusals = new Set(['returns 400', 'rejects the credential']);

/** With these, an export would continue. */
const endless = new Set(['does not respond', 'throttles', 'sends a response without an end']);

const targets: readonly [string, () => Promise<[Receiver, Record<string, string>]>][] = [
  [
    'the collector',
    async () => {
      const collector = await startCollector();
      return [collector, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }];
    },
  ],
  [
    'Application Insights',
    async () => {
      const ingestion = await startIngestion();
      return [ingestion, { APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString }];
    },
  ],
];

describe.each(targets)('when %s', (_target, startReceiver) => {
  /** A server with something to send. */
  async function startWith(misbehave: Misbehavior) {
    const [receiver, settings] = await startReceiver();
    receiver.misbehave(misbehave);
    const server = await startReadyServer(system, settings);
    expect((await server.call('get', '/api/token')).status).toBe(401);
    return { receiver, server };
  }

  it('fails in any way, requests are served', async () => {
    const [receiver, settings] = await startReceiver();
    const server = await startReadyServer(system, settings);
    for (const [, misbehave] of misbehaviors) {
      receiver.misbehave(misbehave);
      const received = receiver.requests.length;
      const accessToken = system.emulator.accessToken({ user: system.emulator.addUser() });
      expect((await server.call('get', '/api/token', accessToken)).status).toBe(200);
      await until(() => receiver.requests.length > received);
      // A hanging export, of this test or the previous one, would delay the next one.
      receiver.dropConnections();
    }
    await server.stop();
    await receiver.stop();
  });

  it.each(misbehaviors.filter(([how]) => endless.has(how)))(
    '%s, the server stops in time',
    async (_how, misbehave) => {
      const { receiver, server } = await startWith(misbehave);
      await until(() => receiver.requests.length > 0);

      const begun = performance.now();
      await server.stop();
      // An export gives up after 10 s.
      expect(performance.now() - begun).toBeLessThan(fastTimings.telemetry.stopInMs + 8_000);
      await receiver.stop();
    },
  );

  it.each(misbehaviors.filter(([how]) => refusals.has(how)))(
    '%s, the log says so',
    async (_how, misbehave) => {
      const { receiver, server } = await startWith(misbehave);
      await until(() => server.rawLog.some((line) => line.includes('telemetry cannot be exported')));
      await server.stop();
      await receiver.stop();
    },
  );

  it('is down, the log says so once', async () => {
    const [receiver, settings] = await startReceiver();
    await receiver.stop();
    const server = await startReadyServer(system, settings);
    expect((await server.call('get', '/api/token')).status).toBe(401);
    await server.stop();
    const warnings = server.rawLog.filter((line) => line.includes('telemetry cannot be exported'));
    // Once for traces and once for metrics.
    expect(warnings.length).toBeLessThanOrEqual(2);
  });
});
