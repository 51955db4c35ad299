import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { WorkloadIdentityConfig } from '../config/credentials';
import { isError } from '../errors';
import { startDeadline, withSignal } from '../resilience/deadline';
import { type FailureFacts, UpstreamError } from '../resilience/upstreamError';

export interface ManagedIdentityOptions {
  /** Of a user-assigned identity; undefined for the system-assigned one. */
  clientId: string | undefined;
  /** On Kubernetes, instead of the identity that Azure gives to the process. */
  workloadIdentity?: WorkloadIdentityConfig | undefined;
  /** Replaces the scope that an SDK requests, which is for the public cloud. */
  scope?: string | undefined;
  timeLimitInMs: number;
}

/**
 * The managed identity that Azure gives to the process. `@azure/identity` is loaded with the first token: it is large, and most servers
 * do not need it. Throws UpstreamError.
 */
export function createManagedIdentityCredential({
  clientId,
  workloadIdentity,
  scope,
  timeLimitInMs,
}: ManagedIdentityOptions): TokenCredential {
  let loading: Promise<TokenCredential> | undefined;
  return {
    // Ignores the caller's signal, because concurrent callers share one request.
    async getToken(scopes): Promise<AccessToken | null> {
      loading ??= workloadIdentity
        ? import('./workloadIdentity.js').then(({ createWorkloadIdentityCredential }) =>
            createWorkloadIdentityCredential({ ...workloadIdentity, clientId, timeLimitInMs }),
          )
        : loadManagedIdentity(clientId);
      const credential = await loading;
      const limit = startDeadline(timeLimitInMs);
      try {
        // The SDK has no time limit, and all later callers would wait for a request that gets no response.
        return await withSignal(credential.getToken(scope ?? scopes), limit.signal);
      } catch (error) {
        if (error instanceof UpstreamError) throw error;
        const facts: FailureFacts = limit.signal.aborted
          ? { transportFailure: 'timed_out' }
          : describe(error);
        throw new UpstreamError('Azure managed identity', 'get token', facts, error);
      } finally {
        limit.stop();
      }
    },
  };
}

async function loadManagedIdentity(clientId: string | undefined): Promise<TokenCredential> {
  const { ManagedIdentityCredential } = await import('./azureIdentity.js');
  // `upstream` handles retries.
  const options = { retryOptions: { maxRetries: 0 } };
  return new ManagedIdentityCredential(clientId === undefined ? options : { ...options, clientId });
}

/** MSAL's error, with the status of the response, is the cause of the credential's. */
function describe(error: unknown): FailureFacts {
  const cause = isError(error) ? error.cause : undefined;
  if (isError(cause) && 'status' in cause && typeof cause.status === 'number')
    return { status: cause.status, message: cause.message };
  // MSAL does not say why the network failed. No token was issued, so that no call can have had an effect.
  if (isError(cause) && 'errorCode' in cause && cause.errorCode === 'network_error')
    return { transportFailure: 'connect_failed' };
  return { transportFailure: 'invalid_response' };
}
