import { inSeconds } from '../clock';
import { type EmulatorContext } from '../context';
import { tenantId } from '../seed';
import { communicationAudiences } from '../tokens/audiences';
import { v1Issuer } from '../tokens/claims';
import { denied } from './errors';

/**
 * Checks the token of a managed identity or an application, and that it holds the role at this resource. Microsoft's own recordings show
 * the same response for every invalid credential, including tokens.
 */
export function checkBearer(context: EmulatorContext, token: string): void {
  const { claims } = context.keys.verify(token);
  const good =
    claims !== undefined &&
    communicationAudiences.includes(String(claims.aud)) &&
    claims.iss === v1Issuer &&
    claims.tid === tenantId &&
    typeof claims.exp === 'number' &&
    claims.exp > inSeconds(context.clock()) &&
    context.switches.communicationRoleHolders.has(String(claims.oid));
  if (!good) denied();
}
