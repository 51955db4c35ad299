import { ConfidentialClientApplication, type INetworkModule, type NetworkResponse } from '@azure/msal-node';
import { LRUCache } from 'lru-cache';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import type { Challenges } from '../authentication/challenge';
import type { EntraAuthority } from './entraAuthority';
import type { Deadline } from '../resilience/deadline';
import { createSingleFlight } from '../resilience/singleFlight';
import { ApiError } from '../errors';
import { type HttpClient, HttpError } from '../resilience/httpClient';
import type { Upstream } from '../resilience/upstream';
import { type FailureFacts, parseRetryAfter } from '../resilience/upstreamError';

/** Turns a caller's access token into one for Microsoft Graph, On-Behalf-Of the same user. */
export interface OboTokens {
  /** Throws ApiError if Entra wants something of the caller (claims, consent, a new token), else UpstreamError. */
  getGraphToken(user: AuthenticatedUser, deadline: Deadline): Promise<string>;
  /** To be told when Graph refuses a token, so that the next one is a new one. */
  evictGraphToken(user: AuthenticatedUser): void;
}

export interface OboTokensOptions {
  authority: EntraAuthority;
  authorityHost: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
  graphEndpoint: string;
  cacheSize: number;
  http: HttpClient;
  upstream: Upstream;
  challenges: Challenges;
  workTimeLimitInMs: number;
}

/**
 * How long a token is used: until five minutes before its end, or half of its life if that is short. At the least the
 * request that it was got for, whatever Entra says of its end.
 */
function cacheTtlInMs(lifetimeInMs: number): number {
  const ttlInMs = lifetimeInMs > 10 * 60_000 ? lifetimeInMs - 5 * 60_000 : lifetimeInMs / 2;
  return Math.floor(ttlInMs > 10_000 ? ttlInMs : 10_000);
}

interface OboToken {
  accessToken: string;
  lifetimeInMs: number;
}

export function createOboTokens(options: OboTokensOptions): OboTokens {
  const { authority, authorityHost, tenantId, clientId, clientSecret, http, upstream } = options;
  // User.ReadWrite is the least that may write the user's own open extensions; by the endpoint's name, so that
  // sovereign clouds get a token for their own Graph.
  const scope = `${options.graphEndpoint}/User.ReadWrite`;
  const coalesce = createSingleFlight<OboToken>(options.workTimeLimitInMs);
  const tokens = new LRUCache<string, string>({ max: options.cacheSize });

  async function request(user: AuthenticatedUser, deadline: Deadline): Promise<OboToken> {
    const { discovery } = await authority.metadata();
    const exchange = createExchange(http);
    return upstream.call(
      'exchange token On-Behalf-Of',
      { deadline, retryOn: 'any_failure', describe: () => exchange.facts() },
      async (signal) => {
        // A client for each exchange: MSAL's own cache slows with every user and never forgets, and its memory of a
        // throttled call turns away all users at once. A new one costs half a millisecond.
        const client = new ConfidentialClientApplication({
          auth: {
            clientId,
            clientSecret,
            authority: `${authorityHost}/${tenantId}`,
            knownAuthorities: [new URL(authorityHost).host],
            authorityMetadata: JSON.stringify(discovery),
          },
          system: { networkClient: exchange.networkClient(signal) },
        });
        try {
          const result = await client.acquireTokenOnBehalfOf({
            oboAssertion: user.accessToken,
            scopes: [scope],
          });
          if (!result?.accessToken) throw new Error('no access token in the reply');
          const lifetimeInMs = (result.expiresOn?.getTime() ?? Date.now()) - Date.now();
          return { accessToken: result.accessToken, lifetimeInMs };
        } catch (error) {
          throw exchange.answerForCaller(options, error) ?? error;
        }
      },
    );
  }

  return {
    async getGraphToken(user, deadline) {
      const cached = tokens.get(user.accessTokenHash);
      if (cached) return cached;
      const { accessToken, lifetimeInMs } = await coalesce(user.accessTokenHash, deadline.signal, (own) =>
        request(user, own),
      );
      tokens.set(user.accessTokenHash, accessToken, { ttl: cacheTtlInMs(lifetimeInMs) });
      return accessToken;
    },
    evictGraphToken: (user) => void tokens.delete(user.accessTokenHash),
  };
}

/** The error bodies of Entra's token endpoint (RFC 6749 section 5.2, and Microsoft's additions). */
interface EntraErrorBody {
  error?: unknown;
  error_codes?: unknown;
  suberror?: unknown;
  claims?: unknown;
}

/**
 * MSAL's view of the network during one exchange. It keeps what came over the wire, because MSAL's errors lose the HTTP status,
 * the Retry-After and the cause of a broken connection.
 */
function createExchange(http: HttpClient) {
  let reply: { status: number; retryAfter: string | undefined; body: EntraErrorBody } | undefined;
  let transportFailure: FailureFacts['transportFailure'];

  async function send<T>(
    method: 'GET' | 'POST',
    url: string,
    { headers, body }: { headers?: Record<string, string>; body?: string } = {},
    signal: AbortSignal,
  ): Promise<NetworkResponse<T>> {
    reply = undefined;
    transportFailure = undefined;
    try {
      const {
        status,
        headers: replyHeaders,
        text,
      } = await http.send(url, { method, headers: headers ?? {}, body, signal });
      const json = parseObject(text);
      reply = { status, retryAfter: replyHeaders['retry-after'], body: json ?? {} };
      if (!json && status < 400) transportFailure = 'invalid_response';
      return { status, headers: replyHeaders, body: (json ?? {}) as T };
    } catch (error) {
      transportFailure = error instanceof HttpError ? error.transportFailure : 'connection_lost';
      throw error;
    }
  }

  return {
    networkClient: (signal: AbortSignal): INetworkModule => ({
      sendGetRequestAsync: (url, request) => send('GET', url, request, signal),
      sendPostRequestAsync: (url, request) => send('POST', url, request, signal),
    }),

    facts(): FailureFacts {
      if (transportFailure) return { transportFailure };
      // A 2xx that MSAL could not use is nonsense; no reply at all means that MSAL refused our settings.
      if (!reply) return { message: 'MSAL made no request' };
      if (reply.status < 400) return { transportFailure: 'invalid_response' };
      const { error } = reply.body;
      const code = [error, ...errorNumbers(reply.body)].filter(Boolean).join(' ');
      const temporary = error === 'temporarily_unavailable' || error === 'server_error';
      const status = temporary && reply.status < 500 && reply.status !== 429 ? 503 : reply.status;
      return { status, code, retryAfterInSeconds: parseRetryAfter(reply.retryAfter) };
    },

    /** Undefined if the failure is none of the caller's business. */
    answerForCaller(options: OboTokensOptions, cause: unknown): Error | undefined {
      if (!reply || transportFailure || reply.status < 400 || reply.status >= 500 || reply.status === 429)
        return undefined;
      return toClientError(reply.body, options, cause);
    },
  };
}

/** Consent is missing: AADSTS65001, and its kin for a user (65004 declined) and an application not in the tenant. */
const consentCodes = new Set([65001, 65004, 90094, 90095]);

/** A second factor is to be used or set up (500xx), or conditional access wants another device or app (5300x). */
const stepUpCodes = new Set([50072, 50074, 50076, 50078, 50079, 50158, 53000, 53001, 53002]);

/** Which of Entra's refusals are the caller's turn, and what to tell them. Entra's own words stay in the log. */
function toClientError(
  body: EntraErrorBody,
  { challenges, authorityHost, tenantId, clientId }: OboTokensOptions,
  cause: unknown,
): ApiError | undefined {
  const codes = errorNumbers(body);
  const innererror = codes[0] === undefined ? {} : { innererror: { code: `AADSTS${codes[0]}` } };
  if (
    body.suberror === 'consent_required' ||
    body.error === 'consent_required' ||
    codes.some((code) => consentCodes.has(code))
  ) {
    return new ApiError(
      'consent_required',
      'You or your administrator have not yet allowed this service to keep your identity mapping in Microsoft Graph (User.ReadWrite). ' +
        `Sign in again asking for the scope ${clientId}/.default with prompt=consent, or have an administrator open ` +
        `${authorityHost}/${tenantId}/v2.0/adminconsent?client_id=${clientId}&scope=.default`,
      { ...innererror, cause },
    );
  }
  const claims = typeof body.claims === 'string' && body.claims !== '' ? body.claims : undefined;
  const stepUp = body.error === 'interaction_required' || codes.some((code) => stepUpCodes.has(code));
  if (claims !== undefined || stepUp) {
    return challenges.insufficientClaims(
      claims,
      'Microsoft Entra ID asks for more before it lets this service act for you, such as a second factor. ' +
        'Sign in again with the claims of the WWW-Authenticate header.',
    );
  }
  if (body.error === 'invalid_grant') {
    return challenges.invalidToken(
      codes[0] === undefined ? 'refused_by_entra' : `AADSTS${codes[0]}`,
      'Microsoft Entra ID no longer accepts the access token. Sign in again and call with a new one.',
    );
  }
  return undefined;
}

function errorNumbers({ error_codes: codes }: EntraErrorBody): number[] {
  return Array.isArray(codes) ? codes.map(Number) : [];
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
