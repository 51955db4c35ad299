import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClientCertificate } from '../../emulator/startEmulator';
import { attributeNames, metricNames } from '../../src/telemetry/names';
import { fakeDate } from '../support/clock';
import { type Collector, startCollector, startIngestion } from '../support/collector';
import type { MetricPoint } from '../support/otlp';
import { startSystem, type System, type TestServer } from '../support/startSystem';
import { until } from '../support/until';

/** The operator learns of the expiry from the log and from the metric, without a request and without a restart. */
let system: System;
let collector: Collector;
let ingestion: Awaited<ReturnType<typeof startIngestion>>;
let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificate-expiry-'));
  file = join(folder, 'certificate.pem');
  system = await startSystem();
});
beforeEach(async () => {
  [collector, ingestion] = await Promise.all([startCollector(), startIngestion()]);
});
afterEach(async () => {
  jest.useRealTimers();
  await Promise.all([collector.stop(), ingestion.stop()]);
});
afterAll(async () => {
  await system.stop();
  await rm(folder, { recursive: true });
});

const dayInMs = 86_400_000;

async function replaceFile(days: number): Promise<void> {
  const { privateKey, certificate } = await createClientCertificate({
    notBefore: new Date(Date.now() - 100 * dayInMs),
    notAfter: new Date(Date.now() + days * dayInMs),
  });
  await writeFile(`${file}.new`, `${privateKey}\n${certificate}`);
  await rename(`${file}.new`, file);
}

const start = () =>
  system.startAnother({
    AZURE_CLIENT_SECRET: '',
    AZURE_CLIENT_CERTIFICATE_PATH: file,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString,
  });

/** The lines about the certificate, with their level. */
const linesOf = ({ rawLog }: TestServer) =>
  rawLog
    .map((line) => JSON.parse(line) as Record<string, string>)
    .filter(({ message }) => message?.includes('client certificate'))
    .map(({ level, message }) => `${level}: ${message}`);

const loaded = 'info: loaded the client certificate';
const soon = 'warn: the client certificate expires soon';
const expired = 'warn: the client certificate has expired';

/** The latest value at each target of telemetry, in days. */
function exportedDays(): (number | undefined)[] {
  const name = metricNames.certificateExpiry;
  const isOurs = (point: MetricPoint) =>
    point.name === name &&
    point.unit === 's' &&
    point.attributes[attributeNames.credential] === 'certificate';
  const atCollector = collector.points().find(isOurs);
  const inInsights = ingestion.envelopes
    .flatMap(({ data }) => data.baseData.metrics ?? [])
    .findLast((metric) => metric.name === name);
  return [atCollector?.value, inInsights?.value].map((seconds) => seconds && seconds / 86_400);
}

/** To the minute: starting takes some seconds. */
const untilExported = (days: number) =>
  until(() => exportedDays().every((value) => Math.abs((value ?? Infinity) - days) < 1 / 1_440));

it.each<[number, string[]]>([
  [31, []],
  [29, [soon]],
  [-1, [expired]],
])(
  'a certificate with %d days left is reported, and so is the one that replaces it',
  async (days, warning) => {
    await replaceFile(days);
    const server = await start();
    await untilExported(days);
    expect(linesOf(server)).toEqual([loaded, ...warning]);

    await replaceFile(365);
    await untilExported(365);
    expect(linesOf(server)).toEqual([loaded, ...warning, loaded]);
    await server.stop();
  },
);

it('the warning begins and is repeated daily while the server runs', async () => {
  await replaceFile(31);
  const clock = fakeDate();
  const server = await start();
  const lines = [loaded];
  for (const [days, left, warning] of [
    [0.9, 30.1, []],
    [0.2, 29.9, [soon]],
    [0.9, 29, []],
    [0.2, 28.8, [soon]],
    [29, -0.2, [expired]],
  ] as const) {
    clock.advance(days * dayInMs);
    await untilExported(left);
    lines.push(...warning);
    expect(linesOf(server)).toEqual(lines);
  }
  await server.stop();
});
