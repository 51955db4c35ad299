import { createHmac } from 'node:crypto';
import type { AuthenticatedUser } from '../../authentication/authenticatedUser';

/**
 * The user's name at Communication Services: it learns no id of the directory from it, and nobody without the key can compute it. The
 * key decides which identity a user has, so it never changes.
 */
export function customIdOf({ key: userKey }: AuthenticatedUser, key: Buffer): string {
  return createHmac('sha256', key).update('custom id\n').update(userKey).digest('base64url');
}
