import {
  signatureProblems,
  type TokenProblem,
  unknownKeyProblem,
} from '../../authentication/accessTokenChecks';
import type { EntraAuthority } from '../../entra/entraAuthority';
import { type DecodedJwt, isSignedBy } from '../../authentication/jwt';

/** Holds the token's RS256 signature against the authority's keys. Throws UpstreamError if they cannot be had. */
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
