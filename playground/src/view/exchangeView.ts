import { shortenTokens, tokensIn } from '../jwt';
import type { Exchange } from '../recorder';
import { copyButton, definitions, element, find, timeOfDay } from './dom';
import { jsonView } from './json';

/** Shows all exchanges; the first, which is the newest, is expanded. */
export function showExchanges(exchanges: readonly Exchange[]): void {
  const views = exchanges.map((exchange, index) => exchangeView(exchange, index === 0));
  find('exchanges').replaceChildren(
    ...(views.length > 0 ? views : [element('p', { class: 'hint' }, 'No requests yet.')]),
  );
}

function exchangeView(exchange: Exchange, open: boolean): HTMLElement {
  const { title, method, url, response, durationInMs, startedAt } = exchange;
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
      element('span', { class: 'time' }, `${durationInMs} ms`),
    ),
    element('p', { class: 'hint' }, `${title}, ${timeOfDay(startedAt)}`),
    element('h3', {}, 'Request'),
    headersView(exchange.requestHeaders),
    ...(response ? responseView(response) : []),
    buttonsView(exchange),
  );
}

function responseView({ headers, body }: NonNullable<Exchange['response']>): HTMLElement[] {
  return [
    element('h3', {}, 'Response'),
    headersView(headers),
    body === undefined ? element('p', { class: 'hint' }, 'No body.') : jsonView(body),
  ];
}

function statusView({ response }: Exchange): HTMLElement {
  if (!response) return element('span', { class: 'status bad' }, 'no response');
  const { status, statusText, headers } = response;
  const reason = headers['x-ms-error-code'] ?? statusText;
  return element('span', { class: `status ${status < 400 ? 'good' : 'bad'}` }, `${status} ${reason}`.trim());
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
      'Sent before a redirect to the sign-in page. Its tokens were not saved.',
    );
  }
  const { headers = {}, body } = exchange.response ?? {};
  const requestId = headers['x-ms-request-id'];
  const [token] = tokensIn(body === undefined ? '' : JSON.stringify(body));
  return element(
    'div',
    { class: 'buttons' },
    token === undefined ? undefined : copyButton('Copy token', () => token),
    copyButton('Copy as curl', () => curl(exchange)),
    requestId === undefined ? undefined : copyButton('Copy request ID', () => requestId),
  );
}

function curl({ method, url, requestHeaders }: Exchange): string {
  const headers = Object.entries(requestHeaders).map(([name, value]) => ` -H '${name}: ${value}'`);
  return `curl -i -X ${method}${headers.join('')} '${url}'`;
}
