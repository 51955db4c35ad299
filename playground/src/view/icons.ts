import type { Stop } from '../requestTrace';

const paths: Record<Stop | 'table', string> = {
  browser: 'M3 5h18v14H3z M3 9h18 M6 7h.01 M9 7h.01',
  api: 'M4 5h16v6H4z M4 13h16v6H4z M8 8h.01 M8 16h.01 M12 8h5 M12 16h5',
  provider: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z M9 12l2 2 4-4',
  store:
    'M8 6l8 2 M7 8l3 8 M16 10l-4 6 M8 5.5a2 2 0 1 1-4 0 2 2 0 0 1 4 0z M20 8.5a2 2 0 1 1-4 0 2 2 0 0 1 4 0z M13 18.5a2 2 0 1 1-4 0 2 2 0 0 1 4 0z',
  table: 'M4 5h16v14H4z M4 9.5h16 M4 14h16 M10 5v14',
  acs: 'M4 5h16v11H11l-4 4v-4H4z M8 9h8 M8 12h5',
};

export function icon(name: keyof typeof paths): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', paths[name]);
  svg.append(path);
  return svg;
}
