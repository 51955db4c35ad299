import type { JsonWebKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Workbench } from './workbench';

/** The public key of the emulator's access tokens, from its key endpoint. */
export async function fetchSigningKey({ emulator, authorityFile }: Workbench): Promise<JsonWebKey> {
  const ca = await readFile(authorityFile);
  const url = `${emulator.url}/${emulator.tenantId}/discovery/v2.0/keys`;
  const json = await new Promise<string>((resolve, reject) => {
    get(url, { ca, agent: false }, (reply) => void text(reply).then(resolve, reject)).once('error', reject);
  });
  const { keys } = JSON.parse(json) as { keys: (JsonWebKey & { kid: string })[] };
  const [header = ''] = emulator.accessToken().split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!key) throw new Error('the emulator does not publish its signing key');
  return { kty: 'RSA', n: key.n ?? '', e: key.e ?? '' };
}
