import {
  AuthenticationHandler,
  AuthenticationHandlerOptions,
  Client,
  GraphClientError,
  GraphError,
} from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import type { Challenges } from '../authentication/challenge';
import type { OboTokens } from '../entra/oboTokens';
import { ApiError } from '../errors';
import type { Deadline } from '../resilience/deadline';
import { type HttpClient, HttpError } from '../resilience/httpClient';
import type { CallOptions, Upstream } from '../resilience/upstream';
import { type FailureFacts, parseRetryAfter, UpstreamError } from '../resilience/upstreamError';
import { SendHandler } from './sendHandler';

export type ExtensionProperties = Readonly<Record<string, unknown>>;

/** One open extension, by name, on the Entra user who calls. All throw UpstreamError, or ApiError if the caller must act. */
export interface ExtensionClient {
  find(user: AuthenticatedUser, deadline: Deadline): Promise<ExtensionProperties | undefined>;
  /** Never retried: unless an error is `definitelyNotApplied`, the extension may have been created all the same. */
  create(
    user: AuthenticatedUser,
    properties: ExtensionProperties,
    deadline: Deadline,
  ): Promise<'created' | 'exists'>;
  /** Replaces all properties. */
  update(
    user: AuthenticatedUser,
    properties: ExtensionProperties,
    deadline: Deadline,
  ): Promise<'updated' | 'absent'>;
  /** Succeeds also if there is none. */
  delete(user: AuthenticatedUser, deadline: Deadline): Promise<void>;
}

export interface ExtensionClientOptions {
  endpoint: string;
  extensionName: string;
  oboTokens: OboTokens;
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
  const { endpoint, extensionName, oboTokens, http, upstream, challenges } = options;
  const client = Client.initWithMiddleware({
    baseUrl: `${endpoint}/`,
    // The client silently omits the token for hosts that it does not know. Names only, no port.
    customHosts: new Set([new URL(endpoint).hostname]),
    middleware: [
      new AuthenticationHandler({ getAccessToken: () => Promise.reject(new Error('no token')) }),
      new SendHandler(http),
    ],
  });
  const path = `/me/extensions/${extensionName}`;

  interface Call<T> {
    operation: string;
    retryOn: CallOptions<T>['retryOn'];
    send: (request: (path: string) => ReturnType<Client['api']>) => Promise<T>;
    /** What an error of Graph means, where it is an expected outcome. */
    interpret?: (error: GraphError) => T | undefined;
  }

  /** One operation of Graph as this user; a token that Graph rejects is replaced once. */
  async function call<T>(
    user: AuthenticatedUser,
    deadline: Deadline,
    { operation, retryOn, send, interpret }: Call<T>,
  ): Promise<T> {
    const attempt = async () => {
      const accessToken = await oboTokens.getGraphToken(user, deadline);
      return upstream.call(operation, { deadline, retryOn, describe }, async (signal) => {
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
          throw toClientError(error, extensionName, challenges) ?? error;
        }
      });
    };
    try {
      return await attempt();
    } catch (error) {
      const tokenRejected =
        error instanceof UpstreamError && error.upstream === 'Microsoft Graph' && error.facts.status === 401;
      if (!tokenRejected) throw error;
      oboTokens.evictGraphToken(user);
      return attempt();
    }
  }

  const bodyOf = (properties: ExtensionProperties) => ({
    '@odata.type': 'microsoft.graph.openTypeExtension',
    extensionName,
    ...properties,
  });

  return {
    async find(user, deadline) {
      const entry = await call(user, deadline, {
        operation: 'read user and extensions',
        retryOn: 'any_failure',
        send: async (request) =>
          userWithExtensions.parse(await request('/me').select('id').expand('extensions').get()),
      });
      // The token is this user's, so the entry must be too; otherwise everything that follows would act on another user.
      if (entry.id.toLowerCase() !== user.entra?.objectId) {
        throw new UpstreamError('Microsoft Graph', 'read user and extensions', {
          transportFailure: 'invalid_response',
          message: 'another user',
        });
      }
      return entry.extensions?.find((candidate) => hasName(candidate, extensionName));
    },

    create: (user, properties, deadline) =>
      call<'created' | 'exists'>(user, deadline, {
        operation: 'create mapping',
        retryOn: 'never',
        async send(request) {
          const response: unknown = await request('/me/extensions').post(bodyOf(properties));
          if (hasName(openExtension.parse(response), extensionName)) return 'created';
          throw new Error('the response names no extension');
        },
        interpret: (error) => (alreadyExists(error) ? 'exists' : undefined),
      }),

    update: (user, properties, deadline) =>
      call<'updated' | 'absent'>(user, deadline, {
        operation: 'update mapping',
        retryOn: 'any_failure',
        async send(request) {
          await request(path).patch(bodyOf(properties));
          return 'updated';
        },
        interpret: ({ statusCode }) => (statusCode === 404 ? 'absent' : undefined),
      }),

    async delete(user, deadline) {
      await call<true>(user, deadline, {
        operation: 'remove mapping',
        retryOn: 'any_failure',
        async send(request) {
          await request(path).delete();
          return true;
        },
        interpret: ({ statusCode }) => (statusCode === 404 ? true : undefined),
      });
    },
  };
}

/** Errors on which the caller, or their administrator, can act. */
function toClientError(
  error: GraphError,
  extensionName: string,
  challenges: Challenges,
): ApiError | undefined {
  const challenge = headerOf(error, 'www-authenticate') ?? '';
  if ((error.statusCode === 401 || error.statusCode === 403) && challenge.includes('insufficient_claims')) {
    const [, claims] = /claims="([^"]+)"/.exec(challenge) ?? [];
    return challenges.insufficientClaims(
      claims && Buffer.from(claims, 'base64').toString('utf8'),
      'Microsoft Graph requires additional authentication, such as MFA. Sign in again with the claims in the WWW-Authenticate header.',
    );
  }
  if (error.statusCode === 403) {
    return new ApiError(
      'consent_required',
      'Microsoft Graph does not let this service store your identity mapping: the delegated permission User.ReadWrite is missing. ' +
        'An administrator can grant it to this API in the Microsoft Entra admin center, under App registrations > API permissions.',
      { innererror: { code: 'graph_access_denied' }, cause: error },
    );
  }
  if (error.statusCode === 400 && /maximum number of extensions/i.test(error.message)) {
    return new ApiError(
      'extension_limit_reached',
      'Your Entra user already has two open extensions of this application, the maximum that Microsoft Graph allows. ' +
        `The server's operator must remove one that is not ${extensionName}, or use its name as GRAPH_EXTENSION_NAME.`,
      { cause: error },
    );
  }
  return undefined;
}

function describe(error: unknown): FailureFacts {
  if (error instanceof GraphClientError) {
    const cause: unknown = error.customError;
    return { transportFailure: cause instanceof HttpError ? cause.transportFailure : 'invalid_response' };
  }
  if (error instanceof GraphError && error.statusCode >= 400) {
    return {
      status: error.statusCode,
      code: error.code ?? undefined,
      message: error.message,
      retryAfterInSeconds: parseRetryAfter(headerOf(error, 'retry-after')),
    };
  }
  return { transportFailure: 'invalid_response' };
}

function headerOf({ headers }: GraphError, name: string): string | undefined {
  return headers?.get(name) ?? undefined;
}

/** The status for a second extension of one name is not documented: Graph has sent 400 with this text; 409 would fit too. */
function alreadyExists({ statusCode, message }: GraphError): boolean {
  return statusCode === 409 || (statusCode === 400 && /already exists/i.test(message));
}

function hasName({ id, extensionName }: z.infer<typeof openExtension>, name: string): boolean {
  return [id, extensionName].some((candidate) => candidate?.toLowerCase() === name.toLowerCase());
}
