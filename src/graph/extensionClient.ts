import {
  AuthenticationHandler,
  AuthenticationHandlerOptions,
  Client,
  GraphError,
} from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
import { type AuthenticatedUser, entraAccountOf } from '../authentication/authenticatedUser';
import type { Challenges } from '../authentication/challenge';
import type { AppTokens } from '../entra/appTokens';
import type { OboTokens } from '../entra/oboTokens';
import type { Deadline } from '../resilience/deadline';
import type { HttpClient } from '../resilience/httpClient';
import type { CallOptions, Upstream } from '../resilience/upstream';
import { UpstreamError } from '../resilience/upstreamError';
import { alreadyExists, describe, isMissing, toAdministratorError, toUserError } from './graphErrors';
import { SendHandler } from './sendHandler';

export type ExtensionProperties = Readonly<Record<string, unknown>>;

/**
 * One open extension, by name, on the Entra user who calls, or on an absent one. All methods throw UpstreamError, or ApiError if the caller
 * must act. For an absent user: `user_not_found` if there is no such user, and `not_supported_by_store` without the application permission.
 */
export interface ExtensionClient {
  find(user: AuthenticatedUser, deadline: Deadline): Promise<ExtensionProperties | undefined>;
  /** Never retried. Unless the error is `definitelyNotApplied`, the extension may have been created. */
  create(
    user: AuthenticatedUser,
    properties: ExtensionProperties,
    deadline: Deadline,
  ): Promise<'created' | 'exists'>;
  /** Replaces all properties. */
  update(
    user: AuthenticatedUser,
    properties: ExtensionProperties,
    options: ChangeOptions,
  ): Promise<'updated' | 'absent' | 'superseded'>;
  delete(user: AuthenticatedUser, options: ChangeOptions): Promise<'deleted' | 'absent' | 'superseded'>;
}

export interface ChangeOptions {
  deadline: Deadline;
  /**
   * Why a failed change must not be retried; undefined if it may be. The first attempt may have been applied, and others may have changed
   * the extension since. `superseded`: it has been replaced by another one.
   */
  beforeRetry?: () => Promise<'absent' | 'superseded' | undefined>;
}

export interface ExtensionClientOptions {
  endpoint: string;
  extensionName: string;
  oboTokens: OboTokens;
  /** For absent users; not needed where there are none. */
  appTokens?: AppTokens;
  http: HttpClient;
  upstream: Upstream;
  challenges: Challenges;
}

/** Some responses of Graph name an extension by `id` only, some by both. */
const openExtension = z.looseObject({
  id: z.string().optional(),
  extensionName: z.string().optional(),
});

const userWithExtensions = z.looseObject({ id: z.string(), extensions: z.array(openExtension).optional() });

export function createExtensionClient(options: ExtensionClientOptions): ExtensionClient {
  const { endpoint, extensionName, oboTokens, appTokens, http, upstream, challenges } = options;
  const client = Client.initWithMiddleware({
    baseUrl: `${endpoint}/`,
    // The client silently omits the token for hosts that it does not know. Names only, no port.
    customHosts: new Set([new URL(endpoint).hostname]),
    middleware: [
      new AuthenticationHandler({ getAccessToken: () => Promise.reject(new Error('no token')) }),
      new SendHandler(http),
    ],
  });
  /** Acting for users needs only their own delegated permission; for absent ones the application needs one for all users. */
  const entryOf = (user: AuthenticatedUser) =>
    user.isAbsent ? `/users/${entraAccountOf(user).objectId}` : '/me';
  const pathOf = (user: AuthenticatedUser) => `${entryOf(user)}/extensions/${extensionName}`;
  const getToken = (user: AuthenticatedUser, deadline: Deadline) => {
    if (!user.isAbsent) return oboTokens.getGraphToken(user, deadline);
    if (!appTokens) throw new TypeError('an absent user, and no token of the application');
    return appTokens.getGraphToken(deadline);
  };
  const evictToken = (user: AuthenticatedUser) => {
    if (user.isAbsent) appTokens?.evictGraphToken();
    else oboTokens.evictGraphToken(user);
  };
  const toClientError = (user: AuthenticatedUser, error: GraphError) =>
    user.isAbsent ? toAdministratorError(error) : toUserError(error, extensionName, challenges);

  interface Call<T> {
    operation: string;
    retryOn: CallOptions<T>['retryOn'];
    beforeRetry?: CallOptions<T>['beforeRetry'];
    send: (request: (path: string) => ReturnType<Client['api']>) => Promise<T>;
    /** What an error of Graph means, where it is an expected outcome. */
    interpret?: (error: GraphError) => T | undefined;
  }

  /** One operation of Graph as this user; a token that Graph rejects is replaced once. */
  async function call<T>(
    user: AuthenticatedUser,
    deadline: Deadline,
    { operation, retryOn, beforeRetry, send, interpret }: Call<T>,
  ): Promise<T> {
    const attempt = async () => {
      const accessToken = await getToken(user, deadline);
      return upstream.call(
        operation,
        { deadline, caller: user.key, retryOn, beforeRetry, describe },
        async (signal) => {
          const request = (requestPath: string) =>
            client
              .api(requestPath)
              .option('signal', signal)
              .middlewareOptions([
                new AuthenticationHandlerOptions({ getAccessToken: () => Promise.resolve(accessToken) }),
              ]);
          try {
            return await send(request);
          } catch (error) {
            if (!(error instanceof GraphError)) throw error;
            const expected = interpret?.(error);
            if (expected !== undefined) return expected;
            throw toClientError(user, error) ?? error;
          }
        },
      );
    };
    try {
      return await attempt();
    } catch (error) {
      const tokenRejected =
        error instanceof UpstreamError &&
        error.upstream === 'Microsoft Graph' &&
        error.details.status === 401;
      if (!tokenRejected) throw error;
      evictToken(user);
      return attempt();
    }
  }

  const bodyOf = (properties: ExtensionProperties) => ({
    '@odata.type': 'microsoft.graph.openTypeExtension',
    extensionName,
    ...properties,
  });

  async function find(user: AuthenticatedUser, deadline: Deadline): Promise<ExtensionProperties | undefined> {
    const entry = await call(user, deadline, {
      operation: 'read user and extensions',
      retryOn: 'any_failure',
      send: async (request) =>
        userWithExtensions.parse(await request(entryOf(user)).select('id').expand('extensions').get()),
    });
    // The entry must be this user's; otherwise everything that follows would act on another user.
    if (entry.id.toLowerCase() !== user.entra?.objectId) {
      throw new UpstreamError('Microsoft Graph', 'read user and extensions', {
        transportFailure: 'invalid_response',
        message: 'another user',
      });
    }
    return entry.extensions?.find((candidate) => hasName(candidate, extensionName));
  }

  return {
    find,

    create: (user, properties, deadline) =>
      call<'created' | 'exists'>(user, deadline, {
        operation: 'create mapping',
        retryOn: 'never',
        async send(request) {
          const response: unknown = await request(`${entryOf(user)}/extensions`).post(bodyOf(properties));
          if (hasName(openExtension.parse(response), extensionName)) return 'created';
          throw new Error('the response names no extension');
        },
        interpret: (error) => (alreadyExists(error) ? 'exists' : undefined),
      }),

    update: (user, properties, { deadline, beforeRetry }) =>
      call<'updated' | 'absent' | 'superseded'>(user, deadline, {
        operation: 'update mapping',
        retryOn: 'any_failure',
        beforeRetry,
        async send(request) {
          await request(pathOf(user)).patch(bodyOf(properties));
          return 'updated';
        },
        interpret: (error) => (isMissing(error) ? 'absent' : undefined),
      }),

    delete: (user, { deadline, beforeRetry }) =>
      call<'deleted' | 'absent' | 'superseded'>(user, deadline, {
        operation: 'remove mapping',
        retryOn: 'any_failure',
        beforeRetry,
        async send(request) {
          await request(pathOf(user)).delete();
          return 'deleted';
        },
        interpret: (error) => (isMissing(error) ? 'absent' : undefined),
      }),
  };
}

function hasName({ id, extensionName }: z.infer<typeof openExtension>, name: string): boolean {
  return [id, extensionName].some((candidate) => candidate?.toLowerCase() === name.toLowerCase());
}
