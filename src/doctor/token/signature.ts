import {
  signatureProblems,
  type TokenProblem,
  unknownKeyProblem,
} from '../../authentication/accessTokenChecks';
import type { EntraAuthority } from '../../entra/entraAuthority';
import { type DecodedJwt, isSignedBy } from '../../authentication/jwt';

/** Verifies the token's RS256 signature. Throws UpstreamError if the tenant's keys cannot be loaded. */
export async function findSignatureProblem(
  text: string,
  jwt: DecodedJwt,
  authority: EntraAuthority,
): Promise<TokenProblem | undefined> {
  const { kid } = jwt.header;
  const key = typeof kid === 'string' ? await authority.signingKey(kid) : undefined;
  if (!key) return unknownKeyProblem(jwt, authority.tenantId);
  return isSignedBy(key, text) ? undefined : signatureProblems.badSignature;
}
