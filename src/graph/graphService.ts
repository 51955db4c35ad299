import {
  AuthenticationHandler,
  AuthenticationHandlerOptions,
  Client,
  type Context,
  GraphClientError,
  GraphError,
  type Middleware,
} from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import type { Challenges } from '../authentication/challenge';
import type { Deadline } from '../resilience/deadline';
import { ApiError } from '../errors';
import { type HttpClient, HttpError, type HttpResponse, type HttpRequest } from '../resilience/httpClient';
import type { CallOptions, Upstream } from '../resilience/upstream';
import { type FailureFacts, parseRetryAfter, UpstreamError } from '../resilience/upstreamError';
import type { MappingSeal, SealedContent } from '../identities/stores/graph/mappingSeal';
import type { OboTokens } from '../entra/oboTokens';

/** The mapping of a user as found: to be trusted, or not. */
export type IdentityMapping =
  | ({ readonly trust: 'sealed' } & SealedContent)
  /** Without any seal, as the original sample wrote it. */
  | { readonly trust: 'unsigned'; readonly communicationUserId: string; readonly deletion?: undefined }
  /** With a seal that is not ours, or not of this user, or with no identity: somebody else wrote it. */
  | { readonly trust: 'broken' };

/** Keeps the identity mapping of a user as an open extension on the user's own Entra entry. */
export interface GraphService {
  findMapping(user: AuthenticatedUser, deadline: Deadline): Promise<IdentityMapping | undefined>;
  /**
   * Adds a mapping where there is none, in one try: `false` if Graph says that there is one already. Any other failure
   * is thrown as UpstreamError, and unless it is `surelyNotDone` the mapping may have been written all the same.
   */
  addMapping(user: AuthenticatedUser, communicationUserId: string, deadline: Deadline): Promise<boolean>;
  /** Seals the mapping anew; `false` if there is none any more. */
  updateMapping(user: AuthenticatedUser, content: SealedContent, deadline: Deadline): Promise<boolean>;
  /** Succeeds also if there is none. */
  removeMapping(user: AuthenticatedUser, deadline: Deadline): Promise<void>;
}

export interface GraphServiceOptions {
  endpoint: string;
  extensionName: string;
  seal: MappingSeal;
  oboTokens: OboTokens;
  http: HttpClient;
  upstream: Upstream;
  challenges: Challenges;
}

/** Some replies of Graph name an extension by `id` alone, some by both. */
const openExtension = z.looseObject({
  id: z.string().optional(),
  extensionName: z.string().optional(),
});

const userWithExtensions = z.looseObject({ id: z.string(), extensions: z.array(openExtension).optional() });

export function createGraphService(options: GraphServiceOptions): GraphService {
  const { endpoint, extensionName, seal, oboTokens, http, upstream, challenges } = options;
  const host = new URL(endpoint).hostname;
  const client = Client.initWithMiddleware({
    baseUrl: `${endpoint}/`,
    // Without it the client silently leaves the token out for hosts that it does not know. Names only, no port.
    customHosts: new Set([host]),
    middleware: [
      new AuthenticationHandler({ getAccessToken: () => Promise.reject(new Error('no token')) }),
      new SendHandler(http),
    ],
  });
  const extensionPath = `/me/extensions/${extensionName}`;

  /** One operation of Graph as this user; a token that Graph refuses is replaced once. */
  async function call<T>(
    operation: string,
    user: AuthenticatedUser,
    deadline: Deadline,
    retryOn: CallOptions<T>['retryOn'],
    send: (request: (path: string) => ReturnType<Client['api']>) => Promise<T>,
    interpret: (error: GraphError) => T | undefined = () => undefined,
  ): Promise<T> {
    const once = async () => {
      const accessToken = await oboTokens.getGraphToken(user, deadline);
      return upstream.call(operation, { deadline, retryOn: retryOn, describe }, async (signal) => {
        const request = (path: string) =>
          client
            .api(path)
            .option('signal', signal)
            .middlewareOptions([
              new AuthenticationHandlerOptions({ getAccessToken: () => Promise.resolve(accessToken) }),
            ]);
        try {
          return await send(request);
        } catch (error) {
          const expected = error instanceof GraphError ? interpret(error) : undefined;
          if (expected !== undefined) return expected;
          throw toClientError(error) ?? error;
        }
      });
    };
    try {
      return await once();
    } catch (error) {
      const refused =
        error instanceof UpstreamError && error.upstream === 'Microsoft Graph' && error.facts.status === 401;
      if (!refused) throw error;
      oboTokens.evictGraphToken(user);
      return once();
    }
  }

  function toClientError(error: unknown): ApiError | undefined {
    if (!(error instanceof GraphError)) return undefined;
    const challenge = headerOf(error, 'www-authenticate') ?? '';
    if ((error.statusCode === 401 || error.statusCode === 403) && challenge.includes('insufficient_claims')) {
      const [, claims] = /claims="([^"]+)"/.exec(challenge) ?? [];
      return challenges.insufficientClaims(
        claims && Buffer.from(claims, 'base64').toString('utf8'),
        'Microsoft Graph asks for more before it lets this service act for you. Sign in again with the claims of the WWW-Authenticate header.',
      );
    }
    if (error.statusCode === 403) {
      return new ApiError(
        'consent_required',
        'Microsoft Graph does not let this service keep your identity mapping: the delegated permission User.ReadWrite is missing. ' +
          'An administrator can grant it to this API in the Microsoft Entra admin center, under App registrations > API permissions.',
        { innererror: { code: 'graph_access_denied' }, cause: error },
      );
    }
    if (error.statusCode === 400 && isExtensionLimit(error)) {
      return new ApiError(
        'extension_limit_reached',
        'Your Entra user already has two open extensions of this application, the most that Microsoft Graph allows. ' +
          `Whoever runs this server must remove one that is not ${extensionName}, or use its name as GRAPH_EXTENSION_NAME.`,
        { cause: error },
      );
    }
    return undefined;
  }

  function extensionOf(user: AuthenticatedUser, { communicationUserId, deletion }: SealedContent) {
    return {
      '@odata.type': 'microsoft.graph.openTypeExtension',
      extensionName,
      // The property of the original sample, so that a directory can be shared with it.
      acsUserIdentity: communicationUserId,
      ...(deletion === undefined ? {} : { deletion }),
      sealVersion: seal.version,
      seal: seal.seal(user, { communicationUserId, deletion }),
    };
  }

  function readMapping(user: AuthenticatedUser, extension: Record<string, unknown>): IdentityMapping {
    const { acsUserIdentity: communicationUserId, deletion, sealVersion, seal: text } = extension;
    if (typeof communicationUserId !== 'string' || communicationUserId === '') return { trust: 'broken' };
    if (text === undefined && sealVersion === undefined && deletion === undefined) {
      return { trust: 'unsigned', communicationUserId };
    }
    if (deletion !== undefined && typeof deletion !== 'string') return { trust: 'broken' };
    const content = { communicationUserId, deletion };
    return seal.isIntact(user, content, sealVersion, text)
      ? { trust: 'sealed', ...content }
      : { trust: 'broken' };
  }

  return {
    async findMapping(user, deadline) {
      const entry = await call('read user and extensions', user, deadline, 'any_failure', async (request) =>
        userWithExtensions.parse(await request('/me').select('id').expand('extensions').get()),
      );
      // The token is this user's, so the entry is too; were it not, all that follows would be somebody else's.
      if (entry.id.toLowerCase() !== user.objectId) {
        throw new UpstreamError('Microsoft Graph', 'read user and extensions', {
          transportFailure: 'invalid_response',
          message: 'another user',
        });
      }
      const extension = entry.extensions?.find((candidate) => hasName(candidate, extensionName));
      return extension && readMapping(user, extension);
    },

    addMapping: (user, communicationUserId, deadline) =>
      call(
        'create mapping',
        user,
        deadline,
        'never',
        async (request) => {
          const reply: unknown = await request('/me/extensions').post(
            extensionOf(user, { communicationUserId }),
          );
          if (hasName(openExtension.parse(reply), extensionName)) return true;
          throw new Error('the reply names no extension');
        },
        (error) => (alreadyExists(error) ? false : undefined),
      ),

    updateMapping: (user, content, deadline) =>
      call(
        'update mapping',
        user,
        deadline,
        'any_failure',
        async (request) => {
          await request(extensionPath).patch(extensionOf(user, content));
          return true;
        },
        (error) => (error.statusCode === 404 ? false : undefined),
      ),

    async removeMapping(user, deadline) {
      await call(
        'remove mapping',
        user,
        deadline,
        'any_failure',
        async (request) => {
          await request(extensionPath).delete();
          return true;
        },
        (error) => (error.statusCode === 404 ? true : undefined),
      );
    },
  };
}

/** What the Graph client puts into the options of a request, whose own type leans on the browser's. */
interface SendOptions {
  method: HttpRequest['method'];
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/** The last handler of the client's chain: sends through our own HTTP client, and lets no reply pass that is not JSON. */
class SendHandler implements Middleware {
  constructor(private readonly http: HttpClient) {}

  async execute(context: Context): Promise<void> {
    const { method, headers, body, signal } = context.options as unknown as SendOptions;
    try {
      const reply = await this.http.send(String(context.request), { method, headers, body, signal });
      context.response = new Response(parseableBody(reply), {
        status: reply.status,
        headers: { ...reply.headers, 'content-type': 'application/json' },
      });
    } catch (error) {
      // The client lets only errors of this class through as they are; all others lose their cause.
      const wrapper = new GraphClientError('no usable reply');
      wrapper.customError = error;
      throw wrapper;
    }
  }
}

/** Null for an empty reply. A failed one without JSON is still a failure of its status; a successful one is nonsense. */
function parseableBody({ status, text }: HttpResponse): string | null {
  if (status === 204 || text === '') return null;
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    if (status >= 400) return '{"error":{"message":"a reply that is not JSON"}}';
    throw error;
  }
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

/** Graph's status for a second extension of one name is not documented: it has said 400 with these words; 409 would fit too. */
function alreadyExists({ statusCode, message }: GraphError): boolean {
  return statusCode === 409 || (statusCode === 400 && /already exists/i.test(message));
}

function isExtensionLimit({ message }: GraphError): boolean {
  return /maximum number of extensions/i.test(message);
}

function hasName({ id, extensionName }: z.infer<typeof openExtension>, name: string): boolean {
  return [id, extensionName].some((given) => given?.toLowerCase() === name.toLowerCase());
}
