import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import { selfSignedCertificate } from '../certificates/selfSigned';
import { type Claims, decodeJwt } from './jwt';
import { generateKeyPair, type KeyPair } from './keyPairs';

const validYears = 5;

/** An RSA key with its certificate, whose thumbprint is the key id. */
export class SigningKey {
  readonly publicKey: KeyObject;
  readonly kid: string;
  readonly certificate: string;
  readonly #privateKey: KeyObject;

  constructor(pair: KeyPair = generateKeyPair()) {
    this.publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
    const year = new Date().getUTCFullYear();
    // Its thumbprint is the key's id, which must not change with each start.
    const certificate = selfSignedCertificate({
      commonName: 'accounts.accesscontrol.emulator',
      keys: pair,
      notBefore: new Date(Date.UTC(year, 0)),
      notAfter: new Date(Date.UTC(year + validYears, 0)),
    });
    this.certificate = certificate.toString('base64');
    this.kid = createHash('sha1').update(certificate).digest('base64url');
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

export type VerificationResult =
  | { claims: Claims; failure?: undefined }
  | { failure: 'malformed' | 'algorithm' | 'unknown_key' | 'signature'; claims?: undefined };

/** The keys that Entra publishes. The first one in the list never signs, because clients must not rely on the order. */
export class SigningKeys {
  #current: SigningKey;
  #others: SigningKey[];

  constructor(current: SigningKey, standby: SigningKey) {
    this.#current = current;
    this.#others = [standby];
  }

  get current(): SigningKey {
    return this.#current;
  }

  published(): SigningKey[] {
    return [...this.#others, this.#current];
  }

  rotate(keepOld: boolean): void {
    if (keepOld) this.#others.push(this.#current);
    this.#current = new SigningKey();
  }

  /** Whether the token was signed with a published key, by RS256; says nothing about what it claims. */
  verify(token: string): VerificationResult {
    const jwt = decodeJwt(token);
    if (!jwt) return { failure: 'malformed' };
    if (jwt.header.alg !== 'RS256') return { failure: 'algorithm' };
    const key = this.published().find(({ kid }) => kid === jwt.header.kid);
    if (!key) return { failure: 'unknown_key' };
    const good = verify('sha256', Buffer.from(jwt.signed), key.publicKey, jwt.signature);
    return good ? { claims: jwt.claims } : { failure: 'signature' };
  }
}
