import type { CommunicationIdentityClientOptions, TokenScope } from '@azure/communication-identity';
import { z } from 'zod';
import type { Config } from '../config/config';
import { type Deadline, withSignal } from '../resilience/deadline';
import type { Upstream } from '../resilience/upstream';
import { type AcsClientOptions, type CommunicationToken, unusableIdentity } from './acsIdentityClient';
import { createSdkClient, describe, userReply, userWithTokenReply } from './acsSdk';

/** The identity that Communication Services keeps for a custom id. */
export interface CustomIdentity {
  readonly communicationUserId: string;
  /** Whether it had issued a token before this call. */
  readonly issuedBefore: boolean;
  /** Absent if none was requested, or if the one in the response is invalid. */
  readonly token?: CommunicationToken | undefined;
}

/**
 * Identities by custom id, a preview feature of the ACS API. Creating with a custom id that is in use returns the existing identity, so a
 * call can be retried, and a lost response leaves no orphan. All methods throw UpstreamError.
 */
export interface CustomIdClient {
  /** `gone`: the identity with this custom id was deleted, and ACS does not create a new one. */
  findOrCreate(
    customId: string,
    options: { withToken: boolean; deadline: Deadline },
  ): Promise<CustomIdentity | 'gone'>;
}

/** The first version with custom ids. No stable version supports them, not even a later one. */
const apiVersion = '2025-03-02-preview';
/** Carries the custom id through the SDK, which has no parameter for it; the policy moves it into the body. */
const customIdHeader = 'x-custom-id';

type Policy = NonNullable<CommunicationIdentityClientOptions['additionalPolicies']>[number]['policy'];

/** Runs before the request is signed, so that the signature covers the body with the custom id. */
const customIdPolicy: Policy = {
  name: 'customIdPolicy',
  async sendRequest(request, next) {
    const customId = request.headers.get(customIdHeader);
    if (customId !== undefined) {
      request.headers.delete(customIdHeader);
      const body: unknown = JSON.parse(typeof request.body === 'string' ? request.body : '{}');
      request.body = JSON.stringify({ ...z.looseObject({}).parse(body), customId });
    }
    return next(request);
  },
};

/** ACS may return 200 for an existing identity instead of the documented 201, but the SDK treats 200 as an error. */
const statusPolicy: Policy = {
  name: 'customIdStatusPolicy',
  async sendRequest(request, next) {
    const response = await next(request);
    return response.status === 200 ? { ...response, status: 201 } : response;
  },
};

const detailsReply = z.looseObject({
  identity: z.looseObject({
    customId: z.string().nullish(),
    lastTokenIssuedAt: z.string().nullish(),
  }),
});

export function createCustomIdClient(
  config: Config['communication'],
  upstream: Upstream,
  { attemptInMs, requestScope, telemetry }: AcsClientOptions,
): CustomIdClient {
  const loadClient = createSdkClient(config, {
    credentialTimeLimitInMs: attemptInMs,
    requestScope,
    telemetry,
    extraOptions: {
      apiVersion,
      additionalPolicies: [
        { policy: customIdPolicy, position: 'perCall' },
        // Sees the response before the SDK checks its status.
        { policy: statusPolicy, position: 'perRetry' },
      ],
    },
  });
  const scopes = config.tokenScopes as TokenScope[];
  const lifetime = { tokenExpiresInMinutes: config.tokenLifetimeInMinutes };

  return {
    async findOrCreate(customId, { withToken, deadline }) {
      const client = await loadClient();
      return upstream.call<CustomIdentity | 'gone'>(
        withToken ? 'find or create user with token' : 'find or create user',
        { deadline, caller: customId, retryOn: 'any_failure', describe },
        async (abortSignal) => {
          let body: string | null | undefined;
          const options = {
            abortSignal,
            requestOptions: { customHeaders: { [customIdHeader]: customId } },
            onResponse: ({ bodyAsText }: { bodyAsText?: string | null }) => (body = bodyAsText),
          };
          try {
            // The SDK does not abort while it waits for the token of a managed identity.
            const created = withToken
              ? userWithTokenReply.parse(
                  await withSignal(
                    client.createUserAndToken(scopes, { ...lifetime, ...options }),
                    abortSignal,
                  ),
                )
              : userReply.parse(await withSignal(client.createUser(options), abortSignal));
            // The SDK does not return these details.
            const { identity } = detailsReply.parse(JSON.parse(body ?? ''));
            // The schema of ACS does not require the custom id. An identity with another one is another user's.
            if ((identity.customId ?? customId) !== customId)
              throw new TypeError('the identity has another custom id');
            return { ...created, issuedBefore: typeof identity.lastTokenIssuedAt === 'string' };
          } catch (error) {
            if (!abortSignal.aborted && unusableIdentity(describe(error)) === 'gone') return 'gone';
            throw error;
          }
        },
      );
    },
  };
}
