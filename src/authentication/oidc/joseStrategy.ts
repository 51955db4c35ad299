import type { Request } from 'express';
import { Strategy } from 'passport';
import { loadJose } from './jose';
import { clockSkewInSeconds } from '../tokenChecks';
import type { OidcMetadata } from './oidcMetadata';

/** What jose requires of a token. */
export interface JosePolicy {
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly userClaim: string;
}

export interface JoseStrategyOptions extends JosePolicy {
  /** The metadata with the token's key. */
  readonly current: () => OidcMetadata | undefined;
}

/** Why the strategy rejects a token. */
export type JoseRejection = 'bad signature' | 'wrong algorithm' | 'malformed';

/** A passport strategy that has jose verify the bearer token: signature, algorithm, issuer, audience and lifetime. */
export class JoseBearerStrategy extends Strategy {
  override readonly name = 'jose-bearer';

  constructor(private readonly options: JoseStrategyOptions) {
    super();
  }

  override authenticate(request: Request): void {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    this.verify(token).then(
      (claims) => this.success(claims),
      (error: unknown) => {
        const rejection = rejectionOf(error);
        if (rejection) this.fail(rejection);
        else this.error(error);
      },
    );
  }

  private async verify(token: string): Promise<object> {
    const metadata = this.options.current();
    if (!metadata) throw new Error('the keys are loaded before a token is verified');
    return verify(token, metadata, this.options);
  }
}

/** Why jose rejects a token; undefined if it accepts it. */
export async function verifyByJose(
  token: string,
  metadata: OidcMetadata,
  policy: JosePolicy,
): Promise<JoseRejection | undefined> {
  try {
    await verify(token, metadata, policy);
    return undefined;
  } catch (error) {
    const rejection = rejectionOf(error);
    if (!rejection) throw error;
    return rejection;
  }
}

/** Returns the claims. Throws an error of jose, or ApiError if jose cannot be loaded. */
async function verify(token: string, { findKey }: OidcMetadata, policy: JosePolicy): Promise<object> {
  const { errors, jwtVerify } = await loadJose();
  const options = {
    issuer: [...policy.issuers],
    audience: [...policy.audiences],
    algorithms: [...policy.algorithms],
    clockTolerance: clockSkewInSeconds,
    requiredClaims: ['exp', policy.userClaim],
  };
  try {
    return (await jwtVerify(token, findKey, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // Keys that share id, type and algorithm.
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Undefined if the error is not about the token. */
function rejectionOf(error: unknown): JoseRejection | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return 'bad signature';
  // The key id is known at this point, so the key does not fit the algorithm.
  if (code === 'ERR_JOSE_ALG_NOT_ALLOWED' || code === 'ERR_JWKS_NO_MATCHING_KEY') return 'wrong algorithm';
  return /^ERR_J(OSE|WS|WT)_/.test(code) ? 'malformed' : undefined;
}
