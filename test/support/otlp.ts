import { Message } from './protobuf';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'server' | 'client' | 'other';
  readonly failed: boolean;
  readonly attributes: Attributes;
  readonly events: readonly { name: string; attributes: Attributes }[];
  readonly resource: Attributes;
}

export interface MetricPoint {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  /** Of a histogram: the number of measurements. */
  readonly value: number;
}

/** opentelemetry-proto: collector/trace/v1, trace/v1 */
export function readSpans(body: Buffer): SpanRecord[] {
  return new Message(body).messages(1).flatMap((resourceSpans) => {
    const resource = attributesOf(resourceSpans.message(1), 1);
    return resourceSpans.messages(2).flatMap((scope) =>
      scope.messages(2).map((span) => ({
        traceId: span.hex(1),
        spanId: span.hex(2),
        parentSpanId: span.hex(4),
        name: span.text(5),
        kind: ({ 2: 'server', 3: 'client' } as const)[span.integer(6)] ?? 'other',
        failed: span.message(15).integer(3) === 2,
        attributes: attributesOf(span, 9),
        events: span
          .messages(11)
          .map((event) => ({ name: event.text(2), attributes: attributesOf(event, 3) })),
        resource,
      })),
    );
  });
}

const gauge = 5;
const sum = 7;
const histogram = 9;

/** opentelemetry-proto: collector/metrics/v1, metrics/v1 */
export function readMetrics(body: Buffer): MetricPoint[] {
  const metrics = new Message(body)
    .messages(1)
    .flatMap((resource) => resource.messages(2).flatMap((scope) => scope.messages(2)));
  return metrics.flatMap((metric) => {
    const described = { name: metric.text(1), unit: metric.text(3) };
    const numbers = [gauge, sum].flatMap((kind) =>
      metric
        .message(kind)
        .messages(1)
        .map((point) => ({
          ...described,
          attributes: attributesOf(point, 7),
          value: point.has(4) ? point.double(4) : point.fixed64(6),
        })),
    );
    const histograms = metric
      .message(histogram)
      .messages(1)
      .map((point) => ({ ...described, attributes: attributesOf(point, 9), value: point.fixed64(4) }));
    return [...numbers, ...histograms];
  });
}

function attributesOf(message: Message, field: number): Attributes {
  return Object.fromEntries(message.messages(field).map((pair) => [pair.text(1), valueOf(pair.message(2))]));
}

function valueOf(value: Message): string | number | boolean {
  if (value.has(2)) return value.integer(2) === 1;
  if (value.has(3)) return value.integer(3);
  return value.has(4) ? value.double(4) : value.text(1);
}
