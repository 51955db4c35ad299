import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { WorkloadIdentityConfig } from '../config/credentials';
import { ApiError, isError } from '../errors';
import { onDemand, once } from '../loadOnDemand';
import { startDeadline, withSignal } from '../resilience/deadline';
import { type FailureDetails, UpstreamError } from '../resilience/upstreamError';
import type { WorkloadIdentityOptions } from './workloadIdentity';

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
 * do not need it. Throws ApiError if it cannot be loaded, otherwise UpstreamError.
 */
export function createManagedIdentityCredential({
  clientId,
  workloadIdentity,
  scope,
  timeLimitInMs,
}: ManagedIdentityOptions): TokenCredential {
  const load = once(() =>
    workloadIdentity
      ? createWorkloadIdentity({ ...workloadIdentity, clientId, timeLimitInMs })
      : createManagedIdentity(clientId),
  );
  return {
    // Ignores the caller's signal, because concurrent callers share one request.
    async getToken(scopes): Promise<AccessToken | null> {
      const credential = await load();
      const limit = startDeadline(timeLimitInMs);
      try {
        // The SDK has no time limit, and all later callers would wait for a request that gets no response.
        return await withSignal(credential.getToken(scope ?? scopes), limit.signal);
      } catch (error) {
        if (error instanceof ApiError && error !== limit.signal.reason) throw error;
        const details: FailureDetails = limit.signal.aborted
          ? { transportFailure: 'timed_out' }
          : describe(error);
        throw new UpstreamError('Azure managed identity', 'get token', details, error);
      } finally {
        limit.stop();
      }
    },
  };
}

const loadWorkloadIdentity = onDemand(
  () => require('./workloadIdentity.js') as typeof import('./workloadIdentity.js'),
);
const loadAzureIdentity = onDemand(
  () => require('./azureIdentity.js') as typeof import('./azureIdentity.js'),
);

async function createWorkloadIdentity(options: WorkloadIdentityOptions): Promise<TokenCredential> {
  const { createWorkloadIdentityCredential } = await loadWorkloadIdentity();
  return createWorkloadIdentityCredential(options);
}

async function createManagedIdentity(clientId: string | undefined): Promise<TokenCredential> {
  const { createDefaultHttpClient, ManagedIdentityCredential } = await loadAzureIdentity();
  const options = {
    // `upstream` handles retries.
    retryOptions: { maxRetries: 0 },
    httpClient: describingFailures(createDefaultHttpClient()),
  };
  return new ManagedIdentityCredential(clientId === undefined ? options : { ...options, clientId });
}

/**
 * MSAL reports the status of a failure only if the body describes the failure. That of a busy endpoint, or of a proxy, may not: it gets
 * such a body here. The SDK ignores additional policies for this credential.
 */
function describingFailures(client: HttpClient): HttpClient {
  return {
    async sendRequest(request) {
      const response = await client.sendRequest(request);
      const { status: statusCode, bodyAsText } = response;
      if (statusCode < 400 || describesFailure(bodyAsText ?? '')) return response;
      return { ...response, bodyAsText: JSON.stringify({ statusCode, message: `HTTP ${statusCode}` }) };
    },
  };
}

/** App Service's format has a message, that of virtual machines an error. */
function describesFailure(body: string): boolean {
  try {
    const content: unknown = JSON.parse(body);
    return typeof content === 'object' && content !== null && ('message' in content || 'error' in content);
  } catch {
    return false;
  }
}

/** MSAL's error, with the status of the response and the code that only virtual machines send, is the cause of the credential's. */
function describe(error: unknown): FailureDetails {
  const cause = isError(error) ? error.cause : undefined;
  if (!isError(cause)) return { transportFailure: 'invalid_response' };
  const { status, errorCode } = cause as { status?: unknown; errorCode?: unknown };
  const code = typeof errorCode === 'string' && errorCode !== '' ? errorCode : undefined;
  if (typeof status === 'number') return { status, code, message: cause.message };
  // MSAL does not say why the network failed. No token was issued, so that no call can have had an effect.
  return { transportFailure: code === 'network_error' ? 'connect_failed' : 'invalid_response' };
}
