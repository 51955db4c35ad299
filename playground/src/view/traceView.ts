import {
  describeTrace,
  type RequestTrace,
  type TraceStep,
  type TraceStop,
  type TracedRequest,
  stopsOf,
  type Environment,
} from '../requestTrace';
import type { UpstreamCall } from '../../failures';
import { element, find } from './dom';
import { icon } from './icons';

/** The stops alone, before there is a trace. */
export function idleStops(environment: Environment): HTMLElement {
  return stopList(
    stopsOf(environment).map((stop) => ({ ...stop, state: 'idle' })),
    environment.store,
  );
}

export function showTrace(
  request: TracedRequest,
  calls: readonly UpstreamCall[],
  environment: Environment,
): void {
  const trace = describeTrace(request, calls, environment);
  find('trace').replaceChildren(
    stopList(trace.stops, environment.store),
    element('p', { class: 'summary' }, trace.summary),
    stepList(trace),
  );
}

function stopList(stops: readonly TraceStop[], store: string): HTMLElement {
  return element(
    'ol',
    { class: 'stops', 'aria-label': 'Stops' },
    ...stops.map(({ stop, name, state, note }) =>
      element(
        'li',
        { class: `stop ${state}` },
        element('span', { class: 'icon' }, icon(stop === 'store' && store === 'table' ? 'table' : stop)),
        element('strong', {}, name),
        element('small', {}, note),
      ),
    ),
  );
}

function stepList({ steps, stops }: RequestTrace): HTMLElement {
  const nameOf = (stop: string): string => stops.find((each) => each.stop === stop)?.name ?? '';
  const ends = steps.map(({ startInMs, durationInMs = 0 }) => startInMs + durationInMs);
  const totalInMs = Math.max(1, ...ends, ...steps.map(({ startInMs }) => startInMs + 1));
  return element(
    'ol',
    { class: 'steps', 'aria-label': 'Calls' },
    ...steps.map((step) =>
      element(
        'li',
        {},
        element('span', { class: 'from' }, nameOf(step.stop)),
        element('span', { class: 'text' }, step.text),
        bar(step, totalInMs),
        ...results(step),
      ),
    ),
  );
}

function bar(step: TraceStep, totalInMs: number): HTMLElement {
  const kind = step.durationInMs === undefined ? 'running' : isGood(step) ? 'good' : 'bad';
  const fill = element('span', { class: `fill ${kind}` });
  const share = (milliseconds: number): string => `${(100 * milliseconds) / totalInMs}%`;
  fill.style.left = share(step.startInMs);
  fill.style.width = share(step.durationInMs ?? totalInMs - step.startInMs);
  return element('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

function results(step: TraceStep): HTMLElement[] {
  if (step.durationInMs === undefined) return [element('span', { class: 'time' }, '…')];
  return [
    element(
      'span',
      { class: `status ${isGood(step) ? 'good' : 'bad'}` },
      hasResponse(step) ? String(step.status) : 'none',
    ),
    element('span', { class: 'time' }, `${Math.round(step.durationInMs)} ms`),
  ];
}

function hasResponse({ status = 0 }: TraceStep): boolean {
  return status > 0;
}

function isGood({ status = 0 }: TraceStep): boolean {
  return status > 0 && status < 400;
}
