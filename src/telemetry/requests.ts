import {
  type Attributes,
  defaultTextMapGetter,
  type Meter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
} from '@opentelemetry/api';
import type { ErrorCode } from '../errors';
import type { ActiveSpan } from './activeSpan';
import { attributeNames, metricNames } from './names';
import type { RequestOutcome, Telemetry } from './telemetry';

/** As in OpenTelemetry's semantic conventions for HTTP. */
export const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The errors that refuse an access token. */
const refusals: ReadonlySet<string> = new Set<ErrorCode>([
  'missing_token',
  'invalid_token',
  'insufficient_claims',
  'insufficient_scope',
  'insufficient_role',
  'app_only_token',
  'client_not_allowed',
  'consent_required',
]);

/** Others are reported as `_OTHER`, so that callers cannot invent values. */
const knownMethods = new Set(['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PUT', 'PATCH']);

export interface SignalParts {
  readonly tracer: Tracer;
  readonly meter: Meter;
  readonly active: ActiveSpan;
  readonly propagator: TextMapPropagator;
}

/** A span and a duration for each request. They have no path but that of the route, no query, no address and no header. */
export function createRequestTraces({
  tracer,
  meter,
  active,
  propagator,
}: SignalParts): Telemetry['startRequest'] {
  const duration = meter.createHistogram(metricNames.serverDuration, {
    description: 'Duration of requests to this server.',
    unit: 's',
    advice: { explicitBucketBoundaries: durationBuckets },
  });
  const refused = meter.createCounter(metricNames.refusedTokens, {
    description: 'Requests whose access token was refused, by reason.',
  });

  return ({ method: sentMethod, secure, headers, isProbe }) => {
    const startedAt = performance.now();
    const method = knownMethods.has(sentMethod) ? sentMethod : '_OTHER';
    const scheme = secure ? 'https' : 'http';
    const common = { [attributeNames.method]: method, [attributeNames.scheme]: scheme };
    // Without `tracestate`, in which a client may send any text: it would be in every span, and go to the upstreams.
    const { traceparent } = headers;
    const parent = propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
    const span = isProbe
      ? undefined
      : tracer.startSpan(method, { kind: SpanKind.SERVER, attributes: common }, parent);

    return {
      traceId: span?.spanContext().traceId,
      run: (work) => (span ? active.run({ span }, work) : work()),
      end(outcome) {
        const attributes = { ...common, ...attributesOf(outcome) };
        duration.record((performance.now() - startedAt) / 1_000, attributes);
        if (outcome.errorCode !== undefined && refusals.has(outcome.errorCode)) {
          refused.add(1, { [attributeNames.reason]: reasonOf(outcome) });
        }
        if (!span) return;
        span.setAttributes(attributes);
        if (outcome.errorCode !== undefined) span.setAttribute(attributeNames.error, outcome.errorCode);
        if (outcome.reason !== undefined) span.setAttribute(attributeNames.reason, reasonOf(outcome));
        if (outcome.route !== undefined) {
          span.updateName(`${method} ${outcome.route}`);
          span.setAttribute(attributeNames.path, outcome.route);
        }
        if (outcome.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  };
}

function attributesOf({ status, route, errorCode }: RequestOutcome): Attributes {
  return {
    [attributeNames.status]: status,
    ...(route === undefined ? {} : { [attributeNames.route]: route }),
    ...(errorCode === undefined ? {} : { [attributeNames.errorType]: errorCode }),
  };
}

/** Entra has too many error numbers for telemetry: they count as one reason. */
function reasonOf({ errorCode = '', reason = errorCode }: RequestOutcome): string {
  return reason.startsWith('AADSTS') ? 'refused_by_entra' : reason;
}
