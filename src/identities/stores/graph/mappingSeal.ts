import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AuthenticatedUser } from '../../../authentication/authenticatedUser';

/** What a mapping says: whose identity it is, and who is deleting it, if anybody. */
export interface SealedContent {
  readonly communicationUserId: string;
  /** The name under which one deleter has claimed the deletion; absent in a mapping that may be used. */
  readonly deletion?: string | undefined;
}

/**
 * A mapping lies in the user's own directory entry, where the user and many apps may write. The seal makes what we read
 * there trustworthy: only this server can make it, and only for this user.
 */
export interface MappingSeal {
  readonly version: number;
  seal(user: AuthenticatedUser, content: SealedContent): string;
  isIntact(user: AuthenticatedUser, content: SealedContent, version: unknown, seal: unknown): boolean;
}

const version = 1;

/** HMAC-SHA256 under `key` over version, tenant, user and content, written as JSON so that no two contents read alike. */
export function createMappingSeal(key: Buffer): MappingSeal {
  const digest = (
    { tenantId, objectId }: AuthenticatedUser,
    { communicationUserId, deletion }: SealedContent,
  ) =>
    createHmac('sha256', key)
      .update(JSON.stringify([version, tenantId, objectId, communicationUserId, deletion ?? null]))
      .digest();

  return {
    version,
    seal: (user, content) => digest(user, content).toString('base64url'),
    isIntact(user, content, sealVersion, seal) {
      if (sealVersion !== version || typeof seal !== 'string') return false;
      const given = Buffer.from(seal, 'base64url');
      const right = digest(user, content);
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}
