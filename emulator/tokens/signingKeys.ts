import { createHash, generateKeyPair, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { selfSignedCertificate } from '../certificates/selfSigned';
import { type Claims, decodeJwt } from './jwt';

const rsa = { modulusLength: 2048 };

/** An RSA key with its certificate, whose thumbprint is the key id. */
export class SigningKey {
  readonly publicKey: KeyObject;
  readonly kid: string;
  readonly certificate: string;
  readonly #privateKey: KeyObject;

  constructor(pair: { publicKey: KeyObject; privateKey: KeyObject }) {
    this.publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
    const certificate = selfSignedCertificate({
      commonName: 'accounts.accesscontrol.emulator',
      keys: pair,
      notBefore: new Date(Date.now() - 24 * 3600 * 1000),
      notAfter: new Date(Date.now() + 5 * 365 * 24 * 3600 * 1000),
    });
    this.certificate = certificate.toString('base64');
    this.kid = createHash('sha1').update(certificate).digest('base64url');
  }

  static async create(): Promise<SigningKey> {
    return new SigningKey(await promisify(generateKeyPair)('rsa', rsa));
  }

  /** @param algorithm RS256 in valid tokens */
  sign(text: string, algorithm = 'sha256'): string {
    return sign(algorithm, Buffer.from(text), this.#privateKey).toString('base64url');
  }

  jwk(): { n: string; e: string } {
    const { n = '', e = '' } = this.publicKey.export({ format: 'jwk' });
    return { n, e };
  }
}

const commonKeys = new Map<string, Promise<SigningKey>>();

/**
 * A key that the emulators of a process share, since no service accepts its signatures. Generating a key is slow, and tests start many
 * emulators.
 */
export function commonKey(purpose: 'standby' | 'communication'): Promise<SigningKey> {
  const key = commonKeys.get(purpose) ?? SigningKey.create();
  commonKeys.set(purpose, key);
  return key;
}

export type Verdict =
  | { claims: Claims; failure?: undefined }
  | { failure: 'malformed' | 'algorithm' | 'unknown_key' | 'signature'; claims?: undefined };

/** The keys that Entra publishes. The first one in the list never signs, because clients must not rely on the order. */
export class SigningKeys {
  #current: SigningKey;
  #others: SigningKey[];

  private constructor(current: SigningKey, standby: SigningKey) {
    this.#current = current;
    this.#others = [standby];
  }

  static async create(): Promise<SigningKeys> {
    const [current, standby] = await Promise.all([SigningKey.create(), commonKey('standby')]);
    return new SigningKeys(current, standby);
  }

  /** Synchronous, which blocks for a tenth of a second: for keys that few tests need. */
  static createNow(standby: SigningKey): SigningKeys {
    return new SigningKeys(new SigningKey(generateKeyPairSync('rsa', rsa)), standby);
  }

  get current(): SigningKey {
    return this.#current;
  }

  published(): SigningKey[] {
    return [...this.#others, this.#current];
  }

  rotate(keepOld: boolean): void {
    if (keepOld) this.#others.push(this.#current);
    this.#current = new SigningKey(generateKeyPairSync('rsa', rsa));
  }

  /** Whether the token was signed with a published key, by RS256; says nothing about what it claims. */
  verify(token: string): Verdict {
    const jwt = decodeJwt(token);
    if (!jwt) return { failure: 'malformed' };
    if (jwt.header.alg !== 'RS256') return { failure: 'algorithm' };
    const key = this.published().find(({ kid }) => kid === jwt.header.kid);
    if (!key) return { failure: 'unknown_key' };
    const good = verify('sha256', Buffer.from(jwt.signed), key.publicKey, jwt.signature);
    return good ? { claims: jwt.claims } : { failure: 'signature' };
  }
}
