import { shortenTokens } from '../jwt';
import { element } from './dom';

const part = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?/g;

/** A value as indented JSON, with its tokens cut short. */
export function jsonView(value: unknown): HTMLElement {
  const text = shortenTokens(typeof value === 'string' ? value : JSON.stringify(value, undefined, 2));
  const pre = element('pre', { tabindex: '0', 'aria-label': 'Body' });
  let end = 0;
  for (const match of text.matchAll(part)) {
    const [whole, string, colon] = match;
    pre.append(text.slice(end, match.index));
    const kind = colon === undefined ? (string === undefined ? 'literal' : 'string') : 'key';
    pre.append(element('span', { class: kind }, string ?? whole), colon ?? '');
    end = match.index + whole.length;
  }
  pre.append(text.slice(end));
  return pre;
}
