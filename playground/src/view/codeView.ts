import callApi from '../callApi.client.js';
import type { Operation } from '../operations';
import { copyButton, element, find } from './dom';

/** Parts of the code: each begins with a comment that names the error codes that it handles. */
const parts = callApi.trimEnd().split(/\n\n/);

/** Shows the code that a client needs for a call, and marks the part that handles an error. */
export function showCode(operation: Operation, errorCode?: string): void {
  const call = callOf(operation);
  const marked =
    errorCode === undefined
      ? undefined
      : (parts.find((part) => codesOf(part).includes(errorCode)) ?? parts.at(-1));
  const pre = element(
    'pre',
    { tabindex: '0', 'aria-label': 'Client code' },
    element('span', { class: 'part call' }, `${call}\n`),
    ...parts.map((part) =>
      element('span', { class: part === marked ? 'part marked' : 'part' }, `\n${part}\n`),
    ),
  );
  find('code').replaceChildren(
    pre,
    element(
      'div',
      { class: 'buttons' },
      copyButton('Copy code', () => `${call}\n\n${callApi}`),
    ),
  );
  find('code-hint').textContent =
    errorCode === undefined ? 'What your app does for this call.' : `The marked lines handle ${errorCode}.`;
  const target = pre.querySelector<HTMLElement>('.marked');
  if (target) pre.scrollTop = target.offsetTop - pre.offsetTop - 16;
}

/** The codes that the part's first comment names. */
function codesOf(part: string): string[] {
  const [, codes = ''] = /^\s*\/\/ ([a-z_, ]+):/.exec(part) ?? [];
  return codes.split(', ');
}

function callOf({ method, path, headers, teamsTokenOf }: Operation): string {
  const all = { ...headers, ...(teamsTokenOf ? { 'teams-user-aad-token': '<Teams token>' } : {}) };
  const init = [
    ...(method === 'GET' ? [] : [`method: '${method}'`]),
    ...(Object.keys(all).length === 0
      ? []
      : [
          `headers: { ${Object.entries(all)
            .map(([name, value]) => `'${name}': '${value}'`)
            .join(', ')} }`,
        ]),
  ];
  const more = init.length === 0 ? '' : `, { ${init.join(', ')} }`;
  return `const result = await callApi(msal, settings, '${path}'${more});`;
}
