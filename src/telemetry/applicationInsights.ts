import {
  createHttpHeaders,
  type HttpClient as SdkHttpClient,
  type PipelinePolicy,
} from '@azure/core-rest-pipeline';
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter';
import { createHttpClient, type HttpClient } from '../resilience/httpClient';
import type { Exporters } from './exporters';

const exportTimeLimitInMs = 10_000;

/** Application Insights, by the connection string. */
export function createApplicationInsightsExporters(connectionString: string): Exporters {
  // The exporter would send statistics about its own use to Microsoft. Only this variable prevents it.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT ??= 'true';
  const http = createHttpClient();
  const options = {
    connectionString,
    // It would write what could not be sent to a folder for temporary files. This server writes no files.
    disableOfflineStorage: true,
    retryOptions: { maxRetries: 1 },
    httpClient: createSdkHttpClient(http),
    additionalPolicies: [{ policy: refusalPolicy, position: 'perCall' as const }],
  };
  return {
    name: 'Application Insights',
    spans: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
    close: () => http.close(),
  };
}

/**
 * After 401, 403, 429 and 5xx the exporter reports a success, because it would send the batch again from its folder. Without one the batch
 * is lost, and the log must say so.
 */
const refusalPolicy: PipelinePolicy = {
  name: 'refusalPolicy',
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status < 400) return response;
    throw Object.assign(new Error('the batch was refused'), { name: `HTTP ${response.status}` });
  },
};

/**
 * Because of these headers, the SDK would keep a batch, and the process, for hours if a server asks for it. The next batch follows soon
 * anyway.
 */
const retryHeaders = ['retry-after', 'retry-after-ms', 'x-ms-retry-after-ms'];

/** Through our own client, which limits the size of a response and the time that it takes. */
function createSdkHttpClient(http: HttpClient): SdkHttpClient {
  return {
    async sendRequest(request) {
      const { status, headers, text } = await http.send(request.url, {
        method: 'POST',
        headers: request.headers.toJSON({ preserveCase: true }),
        body: typeof request.body === 'string' ? request.body : '',
        signal: AbortSignal.timeout(exportTimeLimitInMs),
      });
      const sdkHeaders = createHttpHeaders(headers);
      for (const name of retryHeaders) sdkHeaders.delete(name);
      return { request, status, headers: sdkHeaders, bodyAsText: text };
    },
  };
}
