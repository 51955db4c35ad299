import type * as Marked from 'marked' with { 'resolution-mode': 'import' };
import { readFile } from 'node:fs/promises';
import { onDemand } from '../../loadOnDemand';
import { findProjectFile } from '../../projectFile';
import { escapeHtml } from '../escapeHtml';

/** Most requests and most servers never need it. */
const loadConverter = onDemand(
  () => require('marked') as typeof Marked,
  () => import('marked'),
);

/**
 * docs/errors.md as a page, with an anchor for each heading, so that the `documentation` of an error leads to its section.
 *
 * @param base the path that the API is mounted on, empty at the root
 */
export async function errorsPage(base: string): Promise<string> {
  const [{ Marked }, text] = await Promise.all([
    loadConverter(),
    readFile(findProjectFile('docs/errors.md'), 'utf8'),
  ]);
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      // Only this one document is served, so links to other documents are plain text.
      link({ href, tokens }) {
        const content = this.parser.parseInline(tokens);
        return /^(#|https:)/.test(href) ? `<a href="${escapeHtml(href)}">${content}</a>` : content;
      },
    },
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ACS authentication server: errors</title>
<link rel="icon" type="image/png" href="${base}/docs/favicon-32x32.png">
<link rel="stylesheet" href="${base}/docs/errors.css">
</head>
<body>
<main>
${marked.parse(text, { async: false })}</main>
</body>
</html>
`;
}

/** As GitHub makes it, so that links work in both places. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/ /g, '-');
}
