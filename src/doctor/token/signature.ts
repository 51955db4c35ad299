import type { EntraAuthority } from '../../authentication/entra/entraAuthority';
import { type DecodedJwt, isSignedBy } from '../../authentication/jwt';
import { badSignatureProblem, type TokenProblem, unknownKeyProblem } from '../../authentication/tokenChecks';

/** Verifies the token's RS256 signature. Throws UpstreamError if the tenant's keys cannot be loaded. */
export async function findSignatureProblem(
  text: string,
  jwt: DecodedJwt,
  authority: EntraAuthority,
): Promise<TokenProblem | undefined> {
  const { kid } = jwt.header;
  const key = typeof kid === 'string' ? await authority.signingKey(kid) : undefined;
  if (!key) return unknownKeyProblem(jwt, `tenant ${authority.tenantId}`);
  return isSignedBy(key, text) ? undefined : badSignatureProblem;
}
