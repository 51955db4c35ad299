import { z } from 'zod';
import { connectionStringParts, list, parseUrl } from './formats';
import { setting } from './setting';

export interface TelemetryConfig {
  /** The connection string of Application Insights. */
  readonly applicationInsights: string | undefined;
  /** The base address of an OpenTelemetry collector. */
  readonly otlpEndpoint: string | undefined;
  /** Where traces go, in addition to Application Insights. */
  readonly traces: readonly TraceExporter[];
  /** Of this process, among the instances of a deployment; undefined: a random one. */
  readonly instanceId: string | undefined;
}

export type TraceExporter = z.infer<typeof traceExporter>;

const traceExporter = z.enum(['otlp', 'console', 'none']);

/** Written without spaces and empty parts: the exporter would ignore a part with them, or end the process. */
const applicationInsights = z
  .string()
  .refine((text) => {
    const parts = connectionStringParts(text);
    const endpoint = parts.get('ingestionendpoint');
    return (
      z.guid().safeParse(parts.get('instrumentationkey')).success &&
      (!endpoint || parseUrl(endpoint)?.protocol === 'https:')
    );
  })
  .transform((text) =>
    [...connectionStringParts(text)]
      .filter(([name, value]) => name !== '' && value !== '')
      .map((part) => part.join('='))
      .join(';'),
  );

const collector = z.string().refine((text) => {
  const url = parseUrl(text);
  return (
    (url?.protocol === 'http:' || url?.protocol === 'https:') && !url.username && !url.search && !url.hash
  );
});

export const telemetrySettings = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: setting({
    schema: applicationInsights.optional(),
    description: 'the Application Insights resource that gets traces and metrics; empty: none',
    source: 'Azure portal > your Application Insights resource > Overview > Connection String',
    format: 'InstrumentationKey=<GUID>;IngestionEndpoint=https://<region>.in.applicationinsights.azure.com/',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting({
    schema: collector.optional(),
    description: 'the OpenTelemetry collector that gets traces and metrics, by OTLP over HTTP; empty: none',
    source: 'your collector, usually on port 4318',
    format: 'an http or https address without a query, to which /v1/traces and /v1/metrics are added',
  }),
  OTEL_TRACES_EXPORTER: setting({
    schema: list.pipe(z.array(traceExporter)),
    defaultText: 'otlp',
    description:
      'where traces go in addition to Application Insights: to the collector, or to standard output for development',
    source: 'your choice',
    format: 'a comma-separated list of otlp and console, or none',
  }),
};

interface TelemetryValues {
  readonly APPLICATIONINSIGHTS_CONNECTION_STRING?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_TRACES_EXPORTER: readonly TraceExporter[];
}

/** Undefined: telemetry is off. */
export function readTelemetry(
  values: TelemetryValues,
  instanceId: string | undefined,
): TelemetryConfig | undefined {
  const {
    APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsText,
    OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint,
    OTEL_TRACES_EXPORTER: traces,
  } = values;
  const isOn =
    applicationInsightsText !== undefined || otlpEndpoint !== undefined || traces.includes('console');
  return isOn
    ? { applicationInsights: applicationInsightsText, otlpEndpoint, traces, instanceId }
    : undefined;
}
