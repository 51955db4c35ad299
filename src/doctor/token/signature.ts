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
  const keys = typeof kid === 'string' ? await authority.keysWithId(kid) : [];
  if (keys.length === 0) return unknownKeyProblem(jwt, `tenant ${authority.tenantId}`);
  return keys.some((key) => isSignedBy(key, text)) ? undefined : badSignatureProblem;
}
