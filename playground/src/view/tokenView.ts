import { claimsOf, endOf } from '../jwt';
import { copyButton, definitions, duration, element } from './dom';

export type TokenKind = 'api' | 'teams' | 'communication';

const kinds: Record<TokenKind, { title: string; about: string }> = {
  api: {
    title: 'Access token for the API',
    about: 'From Microsoft Entra ID. It says to the API who you are.',
  },
  teams: {
    title: 'Teams user’s token',
    about: 'From Microsoft Entra ID. It is exchanged, and is of no other use.',
  },
  communication: {
    title: 'Communication token',
    about: 'From the API. It opens chat and calling to you, and to whoever else holds it.',
  },
};

/** The claims that are worth a word. */
const meanings: Record<string, string> = {
  aud: 'the service it is for',
  iss: 'who issued it',
  tid: 'your organisation',
  oid: 'you, in that organisation',
  name: 'your name',
  preferred_username: 'your sign-in name',
  upn: 'your sign-in name',
  scp: 'what it permits',
  azp: 'the app it was issued to',
  appid: 'the app it was issued to',
  acrs: 'the extra proof you gave',
  amr: 'how you signed in',
  ver: 'its format',
  iat: 'issued',
  nbf: 'good from',
  exp: 'good until',
  skypeid: 'your communication identity',
  acsScope: 'what it permits',
  resourceId: 'the Communication Services resource',
  resourceLocation: 'where its data is kept',
};
const inCommunicationToken: Record<string, string> = { scp: 'what it permits, as a number' };
const times = ['iat', 'nbf', 'exp'];

/** What a token says, and how long it will still be good. */
export function tokenView(kind: TokenKind, token: string): HTMLElement {
  const { title, about } = kinds[kind];
  const claims = Object.entries(claimsOf(token));
  const known = claims.filter(([name]) => name in meanings);
  const others = claims.filter(([name]) => !(name in meanings));
  return element(
    'details',
    { class: 'token', 'data-token': kind },
    element(
      'summary',
      {},
      element('span', { class: 'name' }, title),
      element('span', { class: 'left', role: 'timer', 'data-end': String(endOf(token)) }),
    ),
    element('p', { class: 'hint' }, about),
    element(
      'dl',
      { class: 'claims' },
      ...definitions(
        [...known, ...others].map(([name, value]) => [
          name,
          element('code', {}, textOf(name, value)),
          noteFor(kind, name),
        ]),
      ),
    ),
    element(
      'div',
      { class: 'buttons' },
      copyButton('Copy token', () => token),
    ),
  );
}

/** Brings every "time left" on the page up to date. */
export function tickTimesLeft(now = Date.now()): void {
  for (const left of document.querySelectorAll<HTMLElement>('[data-end]')) {
    const leftInMs = Number(left.dataset.end) - now;
    left.textContent = leftInMs > 0 ? `${duration(leftInMs)} left` : 'has ended';
    left.classList.toggle('soon', leftInMs < 10 * 60_000);
  }
}

function noteFor(kind: TokenKind, name: string): HTMLElement | undefined {
  const note = (kind === 'communication' ? inCommunicationToken[name] : undefined) ?? meanings[name];
  return note === undefined ? undefined : element('small', {}, note);
}

function textOf(name: string, value: unknown): string {
  if (times.includes(name) && typeof value === 'number') return new Date(value * 1_000).toLocaleString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}
