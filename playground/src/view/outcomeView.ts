import type { Explanation, Remedy } from '../explanations';
import { element, find } from './dom';

export type RemedyActions = Partial<Record<Remedy, () => void>>;

const labels: Record<Remedy, string> = {
  signIn: 'Sign in',
  stepUp: 'Sign in with additional authentication',
  consent: 'Consent',
  otherAccount: 'Sign in with another account',
  repeat: 'Try again',
};

/** A button next to the remedy. */
export interface ExtraAction {
  label: string;
  run: () => void;
}

/** Shows the result of the last action in the status area, which screen readers announce. */
export function showSuccess(title: string, detail: string, extra?: ExtraAction): void {
  show('good', element('h2', {}, title), element('p', {}, detail), buttons(extra && extraButton(extra)));
}

export function showProgress(title: string): void {
  show('busy', element('p', {}, `${title}…`));
}

export function showProblem(
  explanation: Explanation,
  actions: RemedyActions = {},
  extra?: ExtraAction,
): void {
  const { title, meaning, whatToDo, remedy, link, note } = explanation;
  const action = remedy === undefined ? undefined : actions[remedy];
  show(
    note ? 'note' : 'bad',
    element('h2', {}, title),
    element('p', {}, meaning),
    element('p', {}, element('strong', {}, 'What to do: '), whatToDo),
    link === undefined
      ? undefined
      : element('p', {}, element('a', { href: link, target: '_blank', rel: 'noreferrer' }, link)),
    buttons(
      remedy === undefined || action === undefined
        ? undefined
        : element('button', { type: 'button', class: 'primary', onclick: action }, labels[remedy]),
      extra && extraButton(extra),
    ),
  );
  // For keyboard users the remedy is then one Tab away.
  if (action) find('outcome').focus({ preventScroll: true });
}

/** On a phone it is below the buttons, and on a small screen they may be far down. */
export function revealOutcome(): void {
  const outcome = find('outcome');
  const { top, bottom } = outcome.getBoundingClientRect();
  if (top < 0 || bottom > window.innerHeight) outcome.scrollIntoView({ block: 'start' });
}

export function clearOutcome(): void {
  find('outcome').replaceChildren();
}

function show(kind: 'good' | 'bad' | 'note' | 'busy', ...children: (Node | undefined)[]): void {
  const outcome = find('outcome');
  outcome.className = `outcome ${kind}`;
  outcome.replaceChildren(
    ...children.filter((child) => child !== undefined),
    ...(kind === 'busy' ? [] : [closeButton()]),
  );
}

function buttons(...children: (HTMLElement | undefined)[]): HTMLElement | undefined {
  return children.some((child) => child !== undefined)
    ? element('div', { class: 'buttons' }, ...children)
    : undefined;
}

function extraButton({ label, run }: ExtraAction): HTMLElement {
  return element('button', { type: 'button', onclick: run }, label);
}

function closeButton(): HTMLElement {
  return element(
    'button',
    { type: 'button', class: 'close', 'aria-label': 'Dismiss', onclick: clearOutcome },
    '×',
  );
}
