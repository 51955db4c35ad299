import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { attributeNames, spanEvents } from './names';

/** Prints each request with its calls as soon as it has ended: for development. */
export function createConsoleTree(print: (text: string) => void): SpanProcessor {
  /** The completed calls of each trace whose request is still running. */
  const calls = new Map<string, ReadableSpan[]>();

  return {
    onStart(span) {
      if (span.kind === SpanKind.SERVER) calls.set(span.spanContext().traceId, []);
    },
    onEnd(span) {
      const { traceId } = span.spanContext();
      if (span.kind === SpanKind.SERVER) {
        print(describeTree(span, calls.get(traceId) ?? []));
        calls.delete(traceId);
        return;
      }
      const ofRequest = calls.get(traceId);
      if (ofRequest) ofRequest.push(span);
      else print(`${lineOf(span)}  in the background\n${eventLines(span, '  ')}`);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

function describeTree(request: ReadableSpan, calls: readonly ReadableSpan[]): string {
  const children = [...calls].sort((a, b) => startOf(a) - startOf(b));
  const branches = children.map((call, index) => {
    const last = index === children.length - 1;
    return `${last ? '└─' : '├─'} ${lineOf(call)}\n${eventLines(call, last ? '     ' : '│    ')}`;
  });
  return `${lineOf(request)}  trace ${request.spanContext().traceId}\n${branches.join('')}`;
}

const startOf = ({ startTime }: ReadableSpan) => hrTimeToMilliseconds(startTime);

/** `GET /api/token  200  41 ms` */
function lineOf({ name, attributes, duration, status }: ReadableSpan): string {
  const { [attributeNames.status]: code, [attributeNames.errorType]: error } = attributes;
  const failure = error ?? (status.code === SpanStatusCode.ERROR ? 'failed' : undefined);
  const parts = [name, code, `${hrTimeToMilliseconds(duration).toFixed(1)} ms`, failure];
  return parts.filter((part) => part !== undefined).join('  ');
}

function eventLines({ events }: ReadableSpan, indent: string): string {
  return events.map(({ name, attributes = {} }) => `${indent}${describeEvent(name, attributes)}\n`).join('');
}

function describeEvent(name: string, attributes: ReadableSpan['attributes']): string {
  if (name !== spanEvents.retry) return name;
  const {
    [attributeNames.retry]: attempt,
    [attributeNames.error]: error,
    [attributeNames.delayInMs]: delay,
  } = attributes;
  return `${name} ${String(attempt)} after ${String(error)}, in ${String(delay)} ms`;
}
