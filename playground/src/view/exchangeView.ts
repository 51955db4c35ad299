import { shortenTokens, tokensIn } from '../jwt';
import type { Exchange } from '../recorder';
import { copyButton, definitions, element, timeOfDay } from './dom';
import { jsonView } from './json';

/** One request with its answer; the newest is shown open. */
export function exchangeView(exchange: Exchange, open: boolean): HTMLElement {
  const { title, method, url, answer, tookInMs, startedAt } = exchange;
  const { origin, pathname } = new URL(url);
  return element(
    'details',
    { class: 'exchange', ...(open ? { open: true } : {}) },
    element(
      'summary',
      {},
      element('span', { class: `method ${method.toLowerCase()}` }, method),
      element('span', { class: 'path' }, element('span', { class: 'origin' }, origin), pathname),
      statusView(exchange),
      element('span', { class: 'time' }, `${tookInMs} ms`),
    ),
    element('p', { class: 'hint' }, `${title}, at ${timeOfDay(startedAt)}`),
    element('h3', {}, 'Request'),
    headersView(exchange.requestHeaders),
    ...(answer ? answerView(answer) : []),
    buttonsView(exchange),
  );
}

function answerView({ headers, body }: NonNullable<Exchange['answer']>): HTMLElement[] {
  return [
    element('h3', {}, 'Answer'),
    headersView(headers),
    body === undefined ? element('p', { class: 'hint' }, 'Without a body.') : jsonView(body),
  ];
}

function statusView({ answer }: Exchange): HTMLElement {
  if (!answer) return element('span', { class: 'status bad' }, 'no answer');
  const { status, statusText, headers } = answer;
  const words = headers['x-ms-error-code'] ?? statusText;
  return element('span', { class: `status ${status < 400 ? 'good' : 'bad'}` }, `${status} ${words}`.trim());
}

function headersView(headers: Record<string, string>): HTMLElement {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    shortenTokens(value),
  ]);
  return element('dl', { class: 'headers' }, ...definitions(entries));
}

function buttonsView(exchange: Exchange): HTMLElement {
  if (exchange.shortened) {
    return element(
      'p',
      { class: 'hint' },
      'Made before the page was left for a sign-in; its tokens were not kept.',
    );
  }
  const { headers = {}, body } = exchange.answer ?? {};
  const requestId = headers['x-ms-request-id'];
  const [token] = tokensIn(body === undefined ? '' : JSON.stringify(body));
  return element(
    'div',
    { class: 'buttons' },
    token === undefined ? undefined : copyButton('Copy token', () => token),
    copyButton('Copy as curl', () => curl(exchange)),
    requestId === undefined ? undefined : copyButton('Copy request id', () => requestId),
  );
}

function curl({ method, url, requestHeaders }: Exchange): string {
  const headers = Object.entries(requestHeaders).map(([name, value]) => ` -H '${name}: ${value}'`);
  return `curl -i -X ${method}${headers.join('')} '${url}'`;
}
