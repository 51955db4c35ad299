import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { ensureCertificates } from '../../emulator/certificates/loopbackCertificates';
import { type Attributes, type MetricPoint, readMetrics, readSpans, type SpanRecord } from './otlp';

/** Responds to an export instead of the collector. */
export type Misbehavior = (request: IncomingMessage, response: ServerResponse) => void;

/** A receiver of telemetry over HTTP: an OpenTelemetry collector, or Application Insights. */
export interface Receiver {
  readonly url: string;
  /** The bodies as text, to check that they contain no secrets. */
  readonly bodies: string[];
  readonly requests: { path: string; headers: IncomingMessage['headers'] }[];
  misbehave(how: Misbehavior | undefined): void;
  dropConnections(): void;
  stop(): Promise<void>;
}

export interface Collector extends Receiver {
  readonly spans: SpanRecord[];
  /** The latest value of each metric and its attributes, cumulated since the start of the server. */
  value(name: string, attributes?: Attributes): number;
  points(): readonly MetricPoint[];
}

/** An OpenTelemetry collector for OTLP over HTTP with protobuf. */
export async function startCollector(): Promise<Collector> {
  const spans: SpanRecord[] = [];
  const latest = new Map<string, MetricPoint>();
  const receiver = await startReceiver((path, body) => {
    if (path === '/v1/traces') spans.push(...readSpans(body));
    else if (path === '/v1/metrics') for (const point of readMetrics(body)) latest.set(keyOf(point), point);
    else return 404;
    return 200;
  });
  return {
    ...receiver,
    spans,
    points: () => [...latest.values()],
    value: (name, attributes = {}) =>
      [...latest.values()]
        .filter((point) => point.name === name && matches(point.attributes, attributes))
        .reduce((total, { value }) => total + value, 0),
  };
}

export interface Envelope {
  readonly name: string;
  readonly iKey?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly name?: string;
      readonly message?: string;
      readonly success?: boolean;
      readonly resultCode?: string;
      readonly responseCode?: string;
      readonly target?: string;
      readonly metrics?: readonly { name: string; value: number; count?: number }[];
      readonly properties?: Readonly<Record<string, string>>;
    };
  };
}

/** Application Insights' endpoint for telemetry. Over TLS: its exporter does not use plain HTTP. */
export async function startIngestion(): Promise<
  Receiver & { envelopes: Envelope[]; connectionString: string }
> {
  const envelopes: Envelope[] = [];
  const receiver = await startReceiver(
    (path, body) => {
      if (path !== '/v2.1/track') return 404;
      envelopes.push(...(JSON.parse(body.toString('utf8')) as Envelope[]));
      return { itemsReceived: 1, itemsAccepted: 1, errors: [] };
    },
    await ensureCertificates(),
  );
  return {
    ...receiver,
    envelopes,
    connectionString: `InstrumentationKey=11111111-2222-4333-8444-555555555555;IngestionEndpoint=${receiver.url}/`,
  };
}

async function startReceiver(
  accept: (path: string, body: Buffer) => number | object,
  tls?: { certificate: string; key: string },
): Promise<Receiver> {
  const bodies: string[] = [];
  const requests: Receiver['requests'] = [];
  let misbehavior: Misbehavior | undefined;
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const sent = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      bodies.push(body.toString('latin1'));
      requests.push({ path: request.url ?? '', headers: request.headers });
      if (misbehavior) {
        misbehavior(request, response);
        return;
      }
      const reply = accept(request.url ?? '', body);
      const status = typeof reply === 'number' ? reply : 200;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof reply === 'number' ? '' : JSON.stringify(reply));
    });
  };
  const server: Server = tls
    ? createTlsServer({ cert: tls.certificate, key: tls.key }, listener)
    : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    requests,
    misbehave: (how) => (misbehavior = how),
    dropConnections: () => server.closeAllConnections(),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function keyOf({ name, attributes }: MetricPoint): string {
  return JSON.stringify([name, Object.entries(attributes).sort()]);
}

function matches(attributes: Attributes, expected: Attributes): boolean {
  return Object.entries(expected).every(([name, value]) => attributes[name] === value);
}
