import { createHmac } from 'node:crypto';
import type { AuthenticatedUser } from '../../authentication/authenticatedUser';

/**
 * The user's id at Communication Services. It reveals no id of the directory, and cannot be computed without the key. The key decides which
 * identity a user has, so it must never change.
 */
export function customIdOf({ key: userKey }: AuthenticatedUser, key: Buffer): string {
  return createHmac('sha256', key).update('custom id\n').update(userKey).digest('base64url');
}
