import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { isError } from '../errors';
import type { Log } from '../log';

/** Where telemetry goes. */
export interface Exporters {
  readonly name: string;
  readonly spans?: SpanExporter;
  readonly metrics: PushMetricExporter;
  readonly close?: () => Promise<void>;
}

const warnAtMostEveryMs = 10 * 60_000;

interface Exporter<T> {
  export(items: T, callback: (result: ExportResult) => void): void;
}

/**
 * Logs when telemetry cannot be exported, and when it can be again. An exporter may throw, reject, or report a result twice: none of this
 * reaches the SDK, which would end the process or count twice.
 */
export function watchExports<T, E extends Exporter<T>>(exporter: E, name: string, log: Log): E {
  let failing = false;
  let warnedAt = -Infinity;
  const settled = ({ code, error }: ExportResult) => {
    if (code === ExportResultCode.SUCCESS) {
      if (failing) log.info({ exporter: name }, 'telemetry is exported again');
      failing = false;
      return;
    }
    failing = true;
    if (performance.now() - warnedAt < warnAtMostEveryMs) return;
    warnedAt = performance.now();
    // The name only: messages of exporters may contain the response, which could be anything.
    log.warn(
      { exporter: name, reason: error?.name },
      'telemetry cannot be exported; requests are not affected',
    );
  };
  // Some exporters are async functions, whatever their type says.
  const exportItems: (...args: Parameters<Exporter<T>['export']>) => unknown = exporter.export.bind(exporter);
  exporter.export = (items, callback) => {
    let called = false;
    const once = (result: ExportResult) => {
      if (called) return;
      called = true;
      settled(result);
      callback(result);
    };
    const fail = (error: unknown) => {
      once({ code: ExportResultCode.FAILED, ...(isError(error) ? { error } : {}) });
    };
    try {
      Promise.resolve(exportItems(items, once)).catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  return exporter;
}
