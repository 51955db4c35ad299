import { shortenTokens } from '../jwt';
import { element } from './dom';

const jsonPart = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?/g;

/** Shows a value as indented JSON with shortened tokens. */
export function jsonView(value: unknown): HTMLElement {
  const text = shortenTokens(typeof value === 'string' ? value : JSON.stringify(value, undefined, 2));
  const pre = element('pre', { tabindex: '0', 'aria-label': 'Body' });
  let end = 0;
  for (const match of text.matchAll(jsonPart)) {
    const [whole, string, colon] = match;
    pre.append(text.slice(end, match.index));
    const kind = colon === undefined ? (string === undefined ? 'literal' : 'string') : 'key';
    pre.append(element('span', { class: kind }, string ?? whole), colon ?? '');
    end = match.index + whole.length;
  }
  pre.append(text.slice(end));
  return pre;
}
