import type { CommunicationIdentityClient, TokenScope } from '@azure/communication-identity';
import { z } from 'zod';
import type { Config } from '../config/config';
import { type Deadline, withSignal } from '../resilience/deadline';
import { ApiError } from '../errors';
import type { RequestScope } from '../requestScope';
import type { CallOptions, Upstream } from '../resilience/upstream';
import type { Telemetry } from '../telemetry/telemetry';
import { defaultTimings } from '../timings';
import type { FailureDetails } from '../resilience/upstreamError';
import { createSdkClient, describe, tokenReply, userReply, userWithTokenReply } from './acsSdk';

/** A token that Azure Communication Services issued. */
export interface CommunicationToken {
  readonly token: string;
  readonly expiresOn: Date;
}

/** Why an identity cannot be used: it no longer exists, or belongs to another resource. */
export type UnusableIdentity = 'gone' | 'not_owned';

export interface CreatedUser {
  readonly communicationUserId: string;
  /** Absent if none was requested. */
  readonly token?: CommunicationToken | undefined;
}

export type OnLateCreation = (user: Promise<CreatedUser>) => void;

/** The identities of one Communication Services resource and their tokens. All methods throw UpstreamError. */
export interface AcsIdentityClient {
  /**
   * Creates an identity. Retried only if the failed call definitely created none. A call that has no response by the deadline is passed to
   * `onLateResult`, so that its identity is not orphaned.
   */
  createUser(deadline: Deadline, onLateResult: OnLateCreation): Promise<CreatedUser>;
  createUserWithToken(deadline: Deadline, onLateResult: OnLateCreation): Promise<CreatedUser>;
  issueToken(communicationUserId: string, deadline: Deadline): Promise<CommunicationToken | UnusableIdentity>;
  deleteUser(communicationUserId: string, deadline: Deadline): Promise<'deleted' | UnusableIdentity>;
  /** `clientId`: the application that the Teams token was issued to; `objectId`: its user. ACS checks both. */
  exchangeTeamsToken(
    teamsToken: string,
    clientId: string,
    objectId: string,
    deadline: Deadline,
  ): Promise<CommunicationToken>;
}

export interface AcsClientOptions {
  /** How long one request for a token of the managed identity may take. */
  attemptInMs: number;
  requestScope?: RequestScope | undefined;
  telemetry?: Telemetry | undefined;
}

export function createAcsIdentityClient(
  config: Config['communication'],
  upstream: Upstream,
  { attemptInMs, requestScope, telemetry }: AcsClientOptions = defaultTimings.upstream,
): AcsIdentityClient {
  const loadClient = createSdkClient(config, {
    credentialTimeLimitInMs: attemptInMs,
    requestScope,
    telemetry,
  });
  const scopes = config.tokenScopes as TokenScope[];
  const lifetime = { tokenExpiresInMinutes: config.tokenLifetimeInMinutes };

  interface Call<T> extends Omit<CallOptions<T>, 'describe'> {
    operation: string;
    shape: z.ZodType<T>;
    send: (client: CommunicationIdentityClient, abortSignal: AbortSignal) => Promise<unknown>;
    /** Maps an expected failure to a result; undefined for all other failures. */
    interpret?: (details: FailureDetails, error: unknown) => T | undefined;
  }

  async function call<T>({ operation, shape, send, interpret, ...options }: Call<T>): Promise<T> {
    const client = await loadClient();
    return upstream.call(operation, { ...options, describe }, async (signal) => {
      let reply: unknown;
      try {
        // The SDK does not abort while it waits for the token of a managed identity.
        reply = await withSignal(send(client, signal), signal);
      } catch (error) {
        const expected = signal.aborted ? undefined : interpret?.(describe(error), error);
        if (expected === undefined) throw error;
        return expected;
      }
      return shape.parse(reply);
    });
  }

  const issueOnce = (communicationUserId: string, deadline: Deadline) =>
    call<CommunicationToken | UnusableIdentity>({
      operation: 'issue token',
      deadline,
      caller: communicationUserId,
      retryOn: 'any_failure',
      shape: tokenReply,
      send: (client, abortSignal) =>
        client.getToken({ communicationUserId }, scopes, { ...lifetime, abortSignal }),
      interpret: unusableIdentity,
    });

  return {
    createUser: (deadline, onLateResult) =>
      call<CreatedUser>({
        operation: 'create user',
        deadline,
        retryOn: 'not_applied',
        onLateResult,
        shape: userReply,
        send: (client, abortSignal) => client.createUser({ abortSignal }),
      }),

    createUserWithToken: (deadline, onLateResult) =>
      call<CreatedUser>({
        operation: 'create user with token',
        deadline,
        retryOn: 'not_applied',
        onLateResult,
        shape: userWithTokenReply,
        send: (client, abortSignal) => client.createUserAndToken(scopes, { ...lifetime, abortSignal }),
      }),

    async issueToken(communicationUserId, deadline) {
      const issued = await issueOnce(communicationUserId, deadline);
      // Check twice: a result of `gone` replaces the mapping, and a single transient error must not cause that.
      return issued === 'gone' ? issueOnce(communicationUserId, deadline) : issued;
    },

    deleteUser: (communicationUserId, deadline) =>
      call<'deleted' | UnusableIdentity>({
        operation: 'delete user',
        deadline,
        caller: communicationUserId,
        retryOn: 'any_failure',
        shape: z.unknown().transform(() => 'deleted' as const),
        send: (client, abortSignal) => client.deleteUser({ communicationUserId }, { abortSignal }),
        interpret: unusableIdentity,
      }),

    exchangeTeamsToken: (teamsUserAadToken, clientId, userObjectId, deadline) =>
      call<CommunicationToken>({
        operation: 'exchange Teams token',
        deadline,
        caller: userObjectId,
        retryOn: 'any_failure',
        shape: tokenReply,
        send: (client, abortSignal) =>
          client.getTokenForTeamsUser({ teamsUserAadToken, clientId, userObjectId, abortSignal }),
        interpret: (details, error) => {
          const reason = describeTeamsRejection(details);
          if (!reason) return undefined;
          throw new ApiError('teams_token_rejected', reason, { target: 'teamsUserAadToken', cause: error });
        },
      }),
  };
}

/** Undefined if the failure says nothing about the identity. */
export function unusableIdentity({ status, code, message }: FailureDetails): UnusableIdentity | undefined {
  if (status === undefined || status >= 500 || status === 429) return undefined;
  if (code === 'IdentityNotOwned') return 'not_owned';
  // The response for a deleted identity is not documented. Recognized by the message in Microsoft's samples, or as a 404 or
  // 410 with an error code (an intermediary's 404 has none).
  const isNotFound =
    /(doesn't|does not|no longer) exist/i.test(message ?? '') || /IdentityNotFound/i.test(code ?? '');
  return isNotFound || ((status === 404 || status === 410) && code !== undefined) ? 'gone' : undefined;
}

/** Why ACS rejected the Teams token; undefined if the failure has another cause. A proxy's failure has no error code. */
function describeTeamsRejection({ status, code, message }: FailureDetails): string | undefined {
  if (code === undefined || /API ?version/i.test(`${code} ${message ?? ''}`)) return undefined;
  if (status === 401 && code === 'InvalidAccessToken') {
    return 'Azure Communication Services rejected the Teams token. Get a new one, and check that the user has a Teams license.';
  }
  if (status === 400 || (status === 403 && code !== 'Denied')) {
    return 'Azure Communication Services rejected the Teams token for this user and client application. Get a new one for the signed-in user.';
  }
  return undefined;
}

/** The resource GUID in an identity's id (`8:acs:<resource>_<user>`); undefined for other forms of ids. */
export function parseResourceId(communicationUserId: string): string | undefined {
  return /^8:(?:[a-z-]+:)?([0-9a-f-]{36})_/i.exec(communicationUserId)?.[1]?.toLowerCase();
}
