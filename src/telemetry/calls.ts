import {
  type Attributes,
  defaultTextMapSetter,
  type Span,
  SpanKind,
  SpanStatusCode,
} from '@opentelemetry/api';
import { ApiError, CallerDisconnectedError } from '../errors';
import { UpstreamError } from '../resilience/upstreamError';
import { attributeNames, metricNames, spanEvents } from './names';
import { durationBuckets, type SignalParts } from './requests';
import type { CallTrace, Telemetry, UpstreamCall } from './telemetry';

/**
 * A span for each call to an upstream, with its retries, and a duration for each HTTP request. URLs and the upstream's own words are
 * not reported: they contain ids of users.
 */
export function createCallTraces({
  tracer,
  meter,
  active,
  propagator,
}: SignalParts): Pick<Telemetry, 'traceCall' | 'startSend'> {
  const duration = meter.createHistogram(metricNames.clientDuration, {
    description: 'Duration of HTTP requests to upstreams.',
    unit: 's',
    advice: { explicitBucketBoundaries: durationBuckets },
  });

  return {
    async traceCall(call, work) {
      const span = tracer.startSpan(
        `${call.upstream}: ${call.operation}`,
        { kind: SpanKind.CLIENT, attributes: attributesOf(call) },
        active.context(),
      );
      try {
        return await active.run({ span, call }, () => work(traceOf(span)));
      } catch (error) {
        const errorType = errorTypeOf(error);
        span.setAttributes({ [attributeNames.errorType]: errorType, [attributeNames.error]: errorType });
        // If the caller must act, or has disconnected, the upstream did not fail.
        if (error instanceof UpstreamError) span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },

    startSend(method, url) {
      const startedAt = performance.now();
      const current = active.current();
      const target = {
        [attributeNames.method]: method,
        [attributeNames.serverAddress]: url.hostname,
        [attributeNames.serverPort]: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      };
      const headers: Record<string, string> = {};
      propagator.inject(active.context(), headers, defaultTextMapSetter);
      const span = current?.call && current.span;
      span?.setAttributes(target);
      return {
        headers,
        end(outcome) {
          const result = resultOf(outcome);
          if ('status' in outcome) span?.setAttribute(attributeNames.status, outcome.status);
          duration.record((performance.now() - startedAt) / 1_000, {
            ...target,
            ...result,
            ...(current?.call ? attributesOf(current.call) : {}),
          });
        },
      };
    },
  };
}

function attributesOf({ upstream, operation }: UpstreamCall): Attributes {
  return { [attributeNames.upstream]: upstream, [attributeNames.operation]: operation };
}

function traceOf(span: Span): CallTrace {
  return {
    retried: (attempt, delayInMs, failure) =>
      span.addEvent(spanEvents.retry, {
        [attributeNames.retry]: attempt,
        [attributeNames.delayInMs]: Math.round(delayInMs),
        [attributeNames.error]: errorTypeOf(failure),
      }),
    rejectedByBreaker: () => span.addEvent(spanEvents.breakerOpen),
  };
}

function resultOf(outcome: { status: number } | { failure: string }): Attributes {
  if ('failure' in outcome) return { [attributeNames.errorType]: outcome.failure };
  const { status } = outcome;
  const failed = status >= 400 ? { [attributeNames.errorType]: String(status) } : {};
  return { [attributeNames.status]: status, ...failed };
}

/** The status, or why there was no usable response: never the upstream's own code, which could be any text. */
function errorTypeOf(error: unknown): string {
  if (error instanceof UpstreamError) {
    const { status, transportFailure } = error.details;
    return transportFailure ?? (status === undefined ? error.code : String(status));
  }
  if (error instanceof ApiError) return error.code;
  return error instanceof CallerDisconnectedError ? 'caller_gone' : '_OTHER';
}
