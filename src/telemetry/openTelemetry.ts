import { randomUUID } from 'node:crypto';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { TelemetryConfig } from '../config/telemetry';
import type { Log } from '../log';
import { waitAtMost } from '../resilience/deadline';
import type { Timings } from '../timings';
import { createActiveSpan } from './activeSpan';
import { createCallTraces } from './calls';
import { type Exporters, watchExports } from './exporters';
import { createCounters, createObservers, measureEventLoop } from './measurements';
import { defaultServiceName } from './names';
import { createRequestTraces } from './requests';
import type { Telemetry } from './telemetry';

export interface TelemetryOptions {
  timings: Timings['telemetry'];
  log: Log;
}

/**
 * Telemetry through OpenTelemetry. Nothing is registered for the whole process. The SDK itself reads the standard variables for the
 * resource, the sampler and the batches.
 */
export async function createTelemetry(
  config: TelemetryConfig,
  { timings, log }: TelemetryOptions,
): Promise<Telemetry> {
  const targets = await createExporters(config);
  const processors = targets.flatMap(({ name, spans }): SpanProcessor[] =>
    spans
      ? [
          new BatchSpanProcessor(watchExports(spans, name, log), {
            scheduledDelayMillis: timings.spanExportIntervalInMs,
          }),
        ]
      : [],
  );
  if (config.traces.includes('console')) {
    const { createConsoleTree } = await import('./consoleTree.js');
    // Otherwise a reader that has gone, or a full disk, would end the process.
    process.stdout.on('error', () => undefined);
    processors.push(createConsoleTree((text) => void process.stdout.write(text)));
  }
  const resource = describeResource(config.instanceId);
  const tracers = new BasicTracerProvider({ resource, spanProcessors: processors });
  const meters = new MeterProvider({
    resource,
    readers: targets.map(
      ({ name, metrics }) =>
        new PeriodicExportingMetricReader({
          exporter: watchExports(metrics, name, log),
          exportIntervalMillis: timings.metricExportIntervalInMs,
          exportTimeoutMillis: Math.min(timings.metricExportIntervalInMs, timings.stopInMs * 3),
        }),
    ),
  });
  const meter = meters.getMeter(defaultServiceName);
  const active = createActiveSpan();
  const parts = {
    tracer: tracers.getTracer(defaultServiceName),
    meter,
    active,
    propagator: new W3CTraceContextPropagator(),
  };
  const stopMeasuring = measureEventLoop(meter);

  async function exportRemaining(): Promise<void> {
    await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
    await Promise.allSettled(targets.flatMap(({ close }) => (close ? [close()] : [])));
  }

  return {
    startRequest: createRequestTraces(parts),
    ...createCallTraces(parts),
    ...createCounters(meter),
    ...createObservers(meter),
    async stop() {
      stopMeasuring();
      await waitAtMost(exportRemaining(), timings.stopInMs);
      active.close();
    },
  };
}

/** The packages of a target are loaded only if it is used. */
async function createExporters({
  applicationInsights,
  otlpEndpoint,
  traces,
}: TelemetryConfig): Promise<Exporters[]> {
  const targets: Exporters[] = [];
  if (applicationInsights !== undefined) {
    const { createApplicationInsightsExporters } = await import('./applicationInsights.js');
    targets.push(createApplicationInsightsExporters(applicationInsights));
  }
  if (otlpEndpoint !== undefined) {
    const { createOtlpExporters } = await import('./otlp.js');
    targets.push(createOtlpExporters(otlpEndpoint, traces.includes('otlp')));
  }
  return targets;
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES replace the defaults. */
function describeResource(instanceId: string = randomUUID()): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': defaultServiceName,
        'service.instance.id': instanceId,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
}
