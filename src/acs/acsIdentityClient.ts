import { CommunicationIdentityClient, type TokenScope } from '@azure/communication-identity';
import { z } from 'zod';
import type { Config } from '../config/config';
import { createManagedIdentityCredential } from '../entra/managedIdentity';
import type { Deadline } from '../resilience/deadline';
import { ApiError, isError } from '../errors';
import { classifyTransportError } from '../resilience/httpClient';
import type { CallOptions, Upstream } from '../resilience/upstream';
import { type FailureFacts, parseRetryAfter } from '../resilience/upstreamError';

/** A token that Azure Communication Services issued. */
export interface CommunicationToken {
  readonly token: string;
  readonly expiresOn: Date;
}

/** Why an identity cannot be used: it was deleted, or belongs to another resource. */
export type UnusableIdentity = 'gone' | 'not_owned';

export interface CreatedUser {
  readonly communicationUserId: string;
  /** Absent if none was asked for. */
  readonly token?: CommunicationToken | undefined;
}

export type OnLateCreation = (user: CreatedUser) => void;

/** The identities of one Communication Services resource and their tokens. All throw UpstreamError. */
export interface AcsIdentityClient {
  /**
   * Creates an identity; never twice, so that it is retried only where it was surely not created. One whose creation is
   * reported too late to be waited for is handed to `onLate`, so that it does not stay behind unknown.
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

const tokenReply = z.object({ token: z.string().min(1), expiresOn: z.date() });
/** Ids come in more forms than `8:acs:<resource>_<user>`; but what is none at all must not be kept as somebody's identity. */
const userReply = z.object({ communicationUserId: z.string().regex(/^8:[\w:.-]{4,250}$/) });
/** A reply whose token cannot be read still names an identity that now exists. */
const userWithTokenReply = z
  .looseObject({ user: userReply })
  .transform(({ user, ...token }) => ({ ...user, token: tokenReply.safeParse(token).data }));

export function createAcsIdentityClient(
  config: Config['communication'],
  upstream: Upstream,
): AcsIdentityClient {
  const client = createClient(config);
  const scopes = config.tokenScopes as TokenScope[];
  const lifetime = { tokenExpiresInMinutes: config.tokenLifetimeInMinutes };

  interface Call<T> extends Omit<CallOptions<T>, 'describe'> {
    operation: string;
    shape: z.ZodType<T>;
    send: (abortSignal: AbortSignal) => Promise<unknown>;
    /** What a failure means, where it means something. */
    interpret?: (facts: FailureFacts, error: unknown) => T | undefined;
  }

  function call<T>({ operation, shape, send, interpret, ...options }: Call<T>): Promise<T> {
    return upstream.call(operation, { ...options, describe }, async (signal) => {
      let reply: unknown;
      try {
        reply = await send(signal);
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
      retryOn: 'any_failure',
      shape: tokenReply,
      send: (abortSignal) => client.getToken({ communicationUserId }, scopes, { ...lifetime, abortSignal }),
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
        send: (abortSignal) => client.createUser({ abortSignal }),
      }),

    createUserWithToken: (deadline, onLateResult) =>
      call<CreatedUser>({
        operation: 'create user with token',
        deadline,
        retryOn: 'not_applied',
        onLateResult,
        shape: userWithTokenReply,
        send: (abortSignal) => client.createUserAndToken(scopes, { ...lifetime, abortSignal }),
      }),

    async issueToken(communicationUserId, deadline) {
      const issued = await issueOnce(communicationUserId, deadline);
      // Too much follows from it to take a single passing fault for the end of an identity.
      return issued === 'gone' ? issueOnce(communicationUserId, deadline) : issued;
    },

    deleteUser: (communicationUserId, deadline) =>
      call<'deleted' | UnusableIdentity>({
        operation: 'delete user',
        deadline,
        retryOn: 'any_failure',
        shape: z.unknown().transform(() => 'deleted' as const),
        send: (abortSignal) => client.deleteUser({ communicationUserId }, { abortSignal }),
        interpret: unusableIdentity,
      }),

    exchangeTeamsToken: (teamsUserAadToken, clientId, userObjectId, deadline) =>
      call<CommunicationToken>({
        operation: 'exchange Teams token',
        deadline,
        retryOn: 'any_failure',
        shape: tokenReply,
        send: (abortSignal) =>
          client.getTokenForTeamsUser({ teamsUserAadToken, clientId, userObjectId, abortSignal }),
        interpret: (facts, error) => {
          const reason = describeTeamsRejection(facts);
          if (!reason) return undefined;
          throw new ApiError('teams_token_rejected', reason, { target: 'teamsUserAadToken', cause: error });
        },
      }),
  };
}

function createClient({
  endpoint,
  accessKey,
  managedIdentityClientId,
}: Config['communication']): CommunicationIdentityClient {
  const options = {
    // We own retries and time limits; the SDK would create a second identity after a lost reply.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    // The endpoint may be http on loopback only: settings.ts sees to that.
    allowInsecureConnection: endpoint.startsWith('http://'),
  };
  if (accessKey !== undefined) return new CommunicationIdentityClient(endpoint, { key: accessKey }, options);
  return new CommunicationIdentityClient(
    endpoint,
    createManagedIdentityCredential(managedIdentityClientId),
    options,
  );
}

/** What core-rest-pipeline's RestError carries; read structurally, as the package does not export the class. */
interface RestErrorLike extends Error {
  code?: unknown;
  statusCode?: unknown;
  response?: { headers?: { get?: (name: string) => string | undefined } };
  details?: { error?: { code?: unknown; message?: unknown } };
}

function describe(error: unknown): FailureFacts {
  if (!isError(error)) return { transportFailure: 'invalid_response' };
  const { statusCode, code, response, details } = error as RestErrorLike;
  if (typeof statusCode === 'number' && statusCode >= 400) {
    // Not the error's own code: with a body in another shape than ACS's, that is the SDK's or a stranger's.
    const serviceCode = details?.error?.code;
    const serviceMessage = details?.error?.message ?? error.message;
    return {
      status: statusCode,
      code: typeof serviceCode === 'string' ? serviceCode : undefined,
      message: typeof serviceMessage === 'string' ? serviceMessage : undefined,
      retryAfterInSeconds: parseRetryAfter(response?.headers?.get?.('retry-after')),
    };
  }
  // The SDK's own words for a connection that broke in the middle of a reply.
  if (error.message.startsWith('Error reading response as text'))
    return { transportFailure: 'connection_lost' };
  // A reply that cannot be read: the SDK's own parser, or our check of its shape.
  if (statusCode !== undefined || code === 'PARSE_ERROR' || error instanceof z.ZodError)
    return { transportFailure: 'invalid_response' };
  return { transportFailure: classifyTransportError(error) };
}

/** Undefined if the failure says nothing about the identity. */
function unusableIdentity({ status, code, message }: FailureFacts): UnusableIdentity | undefined {
  if (status === undefined || status >= 500 || status === 429) return undefined;
  if (code === 'IdentityNotOwned') return 'not_owned';
  // No recording of the answer for a deleted identity is public: known by the words of Microsoft's samples, or as a 404
  // of the service itself (a stranger's 404 has no error code).
  const saysGone =
    /(doesn't|does not|no longer) exist/i.test(message ?? '') || /IdentityNotFound/i.test(code ?? '');
  return saysGone || ((status === 404 || status === 410) && code !== undefined) ? 'gone' : undefined;
}

/** ACS's verdicts on the Teams token; undefined if the failure is not about it. */
function describeTeamsRejection({ status, code }: FailureFacts): string | undefined {
  if (status === 401 && code === 'InvalidAccessToken') {
    return 'Azure Communication Services does not accept the Teams token: get a new one, and see that the user has a Teams licence.';
  }
  if (status === 400 || (status === 403 && code !== 'Denied')) {
    return 'Azure Communication Services refused the Teams token for this user and client application: get a new one for the signed-in user.';
  }
  return undefined;
}

/** The GUID of the resource in an identity's id (`8:acs:<resource>_<user>`); undefined for ids of another form. */
export function parseResourceId(communicationUserId: string): string | undefined {
  return /^8:(?:[a-z-]+:)?([0-9a-f-]{36})_/i.exec(communicationUserId)?.[1]?.toLowerCase();
}

/** True if the two identities are surely of different resources. */
export function isOfOtherResource(communicationUserId: string, own: string): boolean {
  const resource = parseResourceId(communicationUserId);
  const ownResource = parseResourceId(own);
  return resource !== undefined && ownResource !== undefined && resource !== ownResource;
}
