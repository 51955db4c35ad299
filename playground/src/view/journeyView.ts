import {
  describeJourney,
  type Journey,
  type JourneyStep,
  type JourneyStop,
  type Sent,
  stopsOf,
  type Surroundings,
} from '../journey';
import type { UpstreamCall } from '../../troubles';
import { element, find } from './dom';
import { icon } from './icons';

/** The stops alone, before there is a journey. */
export function idleStops(around: Surroundings): HTMLElement {
  return stopList(
    stopsOf(around).map((stop) => ({ ...stop, state: 'idle' })),
    around.store,
  );
}

export function showJourney(sent: Sent, calls: readonly UpstreamCall[], around: Surroundings): void {
  const journey = describeJourney(sent, calls, around);
  find('journey').replaceChildren(
    stopList(journey.stops, around.store),
    element('p', { class: 'summary' }, journey.summary),
    stepList(journey),
  );
}

function stopList(stops: readonly JourneyStop[], store: string): HTMLElement {
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

function stepList({ steps, stops }: Journey): HTMLElement {
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

function bar(step: JourneyStep, totalInMs: number): HTMLElement {
  const kind = step.durationInMs === undefined ? 'running' : isGood(step) ? 'good' : 'bad';
  const fill = element('span', { class: `fill ${kind}` });
  const share = (milliseconds: number): string => `${(100 * milliseconds) / totalInMs}%`;
  fill.style.left = share(step.startInMs);
  fill.style.width = share(step.durationInMs ?? totalInMs - step.startInMs);
  return element('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

function results(step: JourneyStep): HTMLElement[] {
  if (step.durationInMs === undefined) return [element('span', { class: 'time' }, '…')];
  return [
    element(
      'span',
      { class: `status ${isGood(step) ? 'good' : 'bad'}` },
      isAnswered(step) ? String(step.status) : 'none',
    ),
    element('span', { class: 'time' }, `${Math.round(step.durationInMs)} ms`),
  ];
}

function isAnswered({ status = 0 }: JourneyStep): boolean {
  return status > 0;
}

function isGood({ status = 0 }: JourneyStep): boolean {
  return status > 0 && status < 400;
}
