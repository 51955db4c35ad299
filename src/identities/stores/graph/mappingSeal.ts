import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type AuthenticatedUser, entraAccountOf } from '../../../authentication/authenticatedUser';
import type { MappingKeys } from '../../../config/formats';

/** The content of a mapping: the identity, and who is deleting it, if anyone. */
export interface SealedContent {
  readonly communicationUserId: string;
  /** The claim of the instance that deletes the identity; absent in a mapping that may be used. */
  readonly deletion?: string | undefined;
}

/**
 * A mapping is part of the user's own directory entry, where the user and many apps can write. The seal makes it trustworthy: only
 * this server can make one, and it is valid for one user only.
 */
export interface MappingSeal {
  readonly version: number;
  seal(user: AuthenticatedUser, content: SealedContent): string;
  /** Which of our keys made the seal: the current one, a previous one, or undefined if none did for this user and content. */
  verify(
    user: AuthenticatedUser,
    content: SealedContent,
    version: unknown,
    seal: unknown,
  ): 'current' | 'previous' | undefined;
}

const version = 1;

/**
 * HMAC-SHA256 over version, tenant, user and content, as JSON so that no two contents have the same text.
 *
 * @param keys the first seals, all verify
 */
export function createMappingSeal(keys: MappingKeys): MappingSeal {
  const digest = (key: Buffer, user: AuthenticatedUser, { communicationUserId, deletion }: SealedContent) => {
    const { tenantId, objectId } = entraAccountOf(user);
    return createHmac('sha256', key)
      .update(JSON.stringify([version, tenantId, objectId, communicationUserId, deletion ?? null]))
      .digest();
  };

  return {
    version,
    seal: (user, content) => digest(keys[0], user, content).toString('base64url'),
    verify(user, content, sealVersion, sealText) {
      if (sealVersion !== version || typeof sealText !== 'string') return undefined;
      const seal = Buffer.from(sealText, 'base64url');
      const match = keys.findIndex((key) => {
        const expected = digest(key, user, content);
        return seal.length === expected.length && timingSafeEqual(seal, expected);
      });
      if (match === -1) return undefined;
      return match === 0 ? 'current' : 'previous';
    },
  };
}

/** Identifies a key in messages to operators without revealing it. */
export function keyFingerprint(key: Buffer): string {
  return createHash('sha256').update('identity mapping key').update(key).digest('hex').slice(0, 8);
}
