import { type ApiError } from '../errors';
import { UpstreamError } from '../resilience/upstreamError';
import { problem, type Result, skipped } from './check';

/**
 * Why a service could not be called with the managed identity; undefined if the service itself has responded. On any other machine than the
 * server's there is no such identity, which is no problem.
 */
export function explainNoManagedIdentity(error: ApiError, usesWorkloadIdentity: boolean): Result | undefined {
  const ofUpstream = error instanceof UpstreamError ? error : undefined;
  if (usesWorkloadIdentity) return ofUpstream && explainNoWorkloadIdentity(ofUpstream);
  const isOfIdentity = ofUpstream?.upstream === 'Azure managed identity';
  const { status, code } = ofUpstream?.details ?? {};
  // Without IDENTITY_ENDPOINT, which the SDK reads from the environment, too, a response without an error code is that of a proxy.
  const hasResponded = (isOfIdentity ? code : status) !== undefined;
  if (!hasResponded && process.env.IDENTITY_ENDPOINT === undefined) {
    return skipped(
      'the managed identity can be checked only where the server runs',
      'Run the doctor there: node dist/doctor.js in the deployed package, npm run doctor in a clone',
    );
  }
  if (!isOfIdentity) return undefined;
  return problem(
    `Azure issues no token for the managed identity (${status === undefined ? 'no response' : `HTTP ${status}`})`,
    'Turn on the system-assigned identity of the app, or assign the user-assigned one with the client id in MANAGED_IDENTITY_CLIENT_ID, under Identity.',
  );
}

function explainNoWorkloadIdentity({ upstream, details }: UpstreamError): Result | undefined {
  if (upstream !== 'Microsoft Entra ID') return undefined;
  const { code, status } = details;
  return problem(
    `Microsoft Entra ID issues no token for the workload identity (${code ?? (status === undefined ? 'no response' : `HTTP ${status}`)})`,
    'Compare the federated credential of the identity in MANAGED_IDENTITY_CLIENT_ID with the issuer of the cluster and the service account.',
  );
}
