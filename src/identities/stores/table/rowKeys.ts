import { createHash } from 'node:crypto';
import type { AuthenticatedUser } from '../../../authentication/authenticatedUser';

/** A key holds at most 1 KiB in UTF-16: 512 characters. */
const maxKeyLength = 500;

/**
 * The partition of a user: one for each, so that none is shared by a whole tenant. Only characters that a key may contain
 * stay as they are; all others become the hexadecimal bytes of their UTF-8 form (`=2F` for a slash), so that no two users collide.
 * Longer keys are hashed. See https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
 */
export function partitionKeyOf({ key }: AuthenticatedUser): string {
  const encoded = key.replace(/[^A-Za-z0-9:._-]/gu, (character) =>
    [...Buffer.from(character, 'utf8')]
      .map((byte) => `=${byte.toString(16).padStart(2, '0').toUpperCase()}`)
      .join(''),
  );
  if (encoded.length <= maxKeyLength) return encoded;
  return `=sha256:${createHash('sha256').update(key).digest('hex')}`;
}
