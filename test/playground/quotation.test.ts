import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, readDocuments } from '../docs/markdown';

const credential = readFileSync(join(projectRoot, 'playground/src/communicationCredential.ts'), 'utf8');

/** Code blocks with the credential, and the documents that contain them. */
const copies = readDocuments().flatMap(({ path, codeBlocks }) =>
  codeBlocks
    .filter(({ text }) => text.includes('function createCommunicationCredential'))
    .map(({ text }): [string, string] => [path, text]),
);

test('the guide to single-page apps shows the credential', () => {
  expect(copies.map(([path]) => path)).toContain('docs/single-page-app.md');
});

test.each(copies)('%s shows the credential as the playground uses it', (_path, text) => {
  expect(text).toBe(credential);
});
