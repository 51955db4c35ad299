import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const quoted = 'playground/src/communicationCredential.ts';
/** The documents that show the code for people to copy. */
const documents = ['README.md', 'docs/single-page-app.md'];

test.each(documents)('%s shows the credential as the playground uses it', (document) => {
  const blocks = [...read(document).matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  expect(blocks).toContain(read(quoted));
});
