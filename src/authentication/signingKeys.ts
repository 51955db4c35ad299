import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

const publishedKey = z.looseObject({
  kty: z.string(),
  kid: z.string().optional(),
  use: z.string().optional(),
  alg: z.string().optional(),
  key_ops: z.array(z.unknown()).optional(),
});

export type PublishedKey = z.infer<typeof publishedKey>;

/**
 * The parts of a JSON Web Key Set that are read. Keys of an unknown form are ignored (RFC 7517 section 5), so that the others keep working.
 */
export const signingKeySet = z.object({
  keys: z
    .array(z.unknown())
    .transform((keys): PublishedKey[] => keys.flatMap((key) => publishedKey.safeParse(key).data ?? [])),
});

/** RFC 7518 section 3.3. A shorter key may be a truncated one: any base64url text decodes to some number. */
const minRsaKeyLengthInBits = 2_048;

export interface SigningKey {
  readonly id: string;
  /** The only one that the provider uses it for; undefined if it does not say so. */
  readonly algorithm: string | undefined;
  readonly key: KeyObject;
}

/** The public keys that can verify signatures. */
export function importSigningKeys(keys: readonly PublishedKey[], keyTypes: readonly string[]): SigningKey[] {
  const imported: SigningKey[] = [];
  for (const { kty, kid, alg, use, key_ops: operations = ['verify'], ...rest } of keys) {
    const verifies = (use === undefined || use === 'sig') && operations.includes('verify');
    if (!keyTypes.includes(kty) || !kid || !verifies) continue;
    try {
      const key = createPublicKey({ key: publicPart(kty, rest), format: 'jwk' });
      const tooShort =
        kty === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < minRsaKeyLengthInBits;
      if (!tooShort) imported.push({ id: kid, algorithm: alg, key });
    } catch {
      // A corrupt key must not disable the others. Tokens signed with it are rejected: unknown key.
    }
  }
  return imported;
}

/** Public keys by id. Several may share one: RFC 7517 section 4.5. */
export type KeysById = ReadonlyMap<string, readonly KeyObject[]>;

export function keysById(keys: readonly SigningKey[]): KeysById {
  const byId = new Map<string, KeyObject[]>();
  for (const { id, key } of keys) byId.set(id, [...(byId.get(id) ?? []), key]);
  return byId;
}

function publicPart(kty: string, { n, e, crv, x, y }: Record<string, unknown>): JsonWebKey {
  const parameters = kty === 'RSA' ? { n, e } : { crv, x, y };
  const present = Object.entries(parameters).filter(([, value]) => typeof value === 'string' && value !== '');
  return { kty, ...(Object.fromEntries(present) as Record<string, string>) };
}
