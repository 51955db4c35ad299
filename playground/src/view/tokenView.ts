import { claimsOf, expiryOf } from '../jwt';
import { copyButton, definitions, duration, element } from './dom';

export type TokenKind = 'api' | 'teams' | 'communication';

const kinds: Record<TokenKind, { title: string; about: string }> = {
  api: {
    title: 'Access token for the API',
    about: 'Issued by Microsoft Entra ID. It identifies you to the API.',
  },
  teams: {
    title: 'Teams user’s token',
    about: 'Issued by Microsoft Entra ID. Its only use is the exchange for a communication token.',
  },
  communication: {
    title: 'Communication token',
    about: 'Issued through the API. It gives access to chat and calling as you, so keep it secret.',
  },
};

/** Explanations of common claims. */
const meanings: Record<string, string> = {
  aud: 'the service that the token is for',
  iss: 'the issuer',
  tid: 'your organization (tenant)',
  oid: 'your user ID in the organization',
  name: 'your name',
  preferred_username: 'your sign-in name',
  upn: 'your sign-in name',
  scp: 'the permissions',
  azp: 'the app that the token was issued to',
  appid: 'the app that the token was issued to',
  acrs: 'the additional authentication',
  amr: 'how you signed in',
  ver: 'the token version',
  iat: 'issued',
  nbf: 'valid from',
  exp: 'expires',
  skypeid: 'your communication identity',
  acsScope: 'the permissions',
  resourceId: 'the Communication Services resource',
  resourceLocation: 'the data location',
};
const communicationTokenMeanings: Record<string, string> = { scp: 'the permissions, as a number' };
const timeClaims = ['iat', 'nbf', 'exp'];

/** Shows the claims of a token and the time until it expires. */
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
      element('span', { class: 'left', role: 'timer', 'data-expiry': String(expiryOf(token)) }),
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

/** Updates every remaining time on the page. */
export function updateTimesLeft(now = Date.now()): void {
  for (const left of document.querySelectorAll<HTMLElement>('[data-expiry]')) {
    const leftInMs = Number(left.dataset.expiry) - now;
    left.textContent = leftInMs > 0 ? `${duration(leftInMs)} left` : 'expired';
    left.classList.toggle('soon', leftInMs < 10 * 60_000);
  }
}

function noteFor(kind: TokenKind, name: string): HTMLElement | undefined {
  const note = (kind === 'communication' ? communicationTokenMeanings[name] : undefined) ?? meanings[name];
  return note === undefined ? undefined : element('small', {}, note);
}

function textOf(name: string, value: unknown): string {
  if (timeClaims.includes(name) && typeof value === 'number') return new Date(value * 1_000).toLocaleString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}
