import type {
  CommunicationIdentityClient,
  CommunicationIdentityClientOptions,
} from '@azure/communication-identity';
import { z } from 'zod';
import type { Config } from '../config/config';
import { createManagedIdentityCredential } from '../entra/managedIdentity';
import { isError } from '../errors';
import { onDemand, once } from '../loadOnDemand';
import { classifyTransportError } from '../resilience/httpClient';
import type { RequestScope } from '../requestScope';
import { requestIdPolicies } from '../resilience/requestIdPolicies';
import { responseLimitPolicies } from '../resilience/responseLimitPolicy';
import { type FailureDetails, parseRetryAfter } from '../resilience/upstreamError';
import { tracePolicies } from '../telemetry/sdkPolicy';
import type { Telemetry } from '../telemetry/telemetry';

export const tokenReply = z.object({ token: z.string().min(1), expiresOn: z.date() });
/** Ids have more forms than `8:acs:<resource>_<user>`. Anything that is not an id must not be stored as one. */
export const userReply = z.object({ communicationUserId: z.string().regex(/^8:[\w:.-]{4,250}$/) });
/** Even if the token is invalid, the response names an identity that now exists. */
export const userWithTokenReply = z
  .looseObject({ user: userReply })
  .transform(({ user, ...token }) => ({ ...user, token: tokenReply.safeParse(token).data }));

type SdkOptions = CommunicationIdentityClientOptions & {
  /** The SDK reads it, but its types do not have it. */
  apiVersion?: string;
};

export interface SdkClientOptions {
  /** How long one request for a token of the managed identity may take. */
  credentialTimeLimitInMs: number;
  requestScope?: RequestScope | undefined;
  /** For an API version that the SDK does not support. */
  extraOptions?: SdkOptions;
  telemetry?: Telemetry | undefined;
}

/** Returns the client of the SDK. The SDK is loaded with the first call: the start is shorter, and an idle server smaller. Throws ApiError. */
export function createSdkClient(
  config: Config['communication'],
  options: SdkClientOptions,
): () => Promise<CommunicationIdentityClient> {
  return once(() => loadSdkClient(config, options));
}

const loadSdk = onDemand(
  () => require('./communicationIdentity.js') as typeof import('./communicationIdentity.js'),
);

async function loadSdkClient(
  {
    endpoint,
    accessKey,
    managedIdentityClientId,
    workloadIdentity,
    managedIdentityScope,
  }: Config['communication'],
  { credentialTimeLimitInMs, requestScope, extraOptions = {}, telemetry }: SdkClientOptions,
): Promise<CommunicationIdentityClient> {
  const { CommunicationIdentityClient } = await loadSdk();
  const options = {
    ...extraOptions,
    additionalPolicies: [
      ...(extraOptions.additionalPolicies ?? []),
      ...requestIdPolicies(requestScope),
      ...tracePolicies(telemetry),
      ...responseLimitPolicies,
    ],
    // `upstream` handles retries: the SDK's own would create a second identity after a lost response.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    // Plain HTTP is accepted on loopback only: see config/formats.ts.
    allowInsecureConnection: endpoint.startsWith('http://'),
  };
  if (accessKey !== undefined) return new CommunicationIdentityClient(endpoint, { key: accessKey }, options);
  return new CommunicationIdentityClient(
    endpoint,
    createManagedIdentityCredential({
      clientId: managedIdentityClientId,
      workloadIdentity,
      scope: managedIdentityScope,
      timeLimitInMs: credentialTimeLimitInMs,
    }),
    options,
  );
}

/** core-rest-pipeline's RestError: the package does not export the class. */
interface RestErrorLike extends Error {
  code?: unknown;
  statusCode?: unknown;
  response?: { headers?: { get?: (name: string) => string | undefined } };
  details?: { error?: { code?: unknown; message?: unknown } };
}

export function describe(error: unknown): FailureDetails {
  if (!isError(error)) return { transportFailure: 'invalid_response' };
  const { statusCode, code, response, details } = error as RestErrorLike;
  if (typeof statusCode === 'number' && statusCode >= 400) {
    // Not `error.code`: if the body is not an ACS error, that code comes from the SDK or from an intermediary.
    const serviceCode = details?.error?.code;
    const serviceMessage = details?.error?.message ?? error.message;
    return {
      status: statusCode,
      code: typeof serviceCode === 'string' ? serviceCode : undefined,
      message: typeof serviceMessage === 'string' ? serviceMessage : undefined,
      retryAfterInSeconds: parseRetryAfter(response?.headers?.get?.('retry-after')),
    };
  }
  // Rejected by the SDK's parser or by our schema.
  if (statusCode !== undefined || code === 'PARSE_ERROR' || error instanceof z.ZodError)
    return { transportFailure: 'invalid_response' };
  return { transportFailure: classifyTransportError(error) };
}
