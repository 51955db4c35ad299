import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { Exporters } from './exporters';

/** OTLP over HTTP, as protobuf, which every collector accepts. Headers, time limit and compression: OTEL_EXPORTER_OTLP_*. */
export function createOtlpExporters(endpoint: string, withSpans: boolean): Exporters {
  const base = endpoint.replace(/\/+$/, '');
  return {
    name: 'OTLP',
    ...(withSpans ? { spans: new OTLPTraceExporter({ url: `${base}/v1/traces` }) } : {}),
    metrics: new OTLPMetricExporter({ url: `${base}/v1/metrics` }),
  };
}
