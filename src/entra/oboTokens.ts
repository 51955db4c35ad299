import type { INetworkModule, NetworkResponse } from '@azure/msal-node';
import { LRUCache } from 'lru-cache';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import type { Challenges } from '../authentication/challenge';
import type { EntraAuthority } from '../authentication/entra/entraAuthority';
import type { Deadline } from '../resilience/deadline';
import { createSingleFlight } from '../resilience/singleFlight';
import { ApiError } from '../errors';
import { type HttpClient, HttpError } from '../resilience/httpClient';
import type { Upstream } from '../resilience/upstream';
import { type FailureFacts, parseRetryAfter } from '../resilience/upstreamError';

/** Exchanges a caller's access token for a Microsoft Graph token of the same user (On-Behalf-Of). */
export interface OboTokens {
  /** Throws ApiError if the caller must act (claims challenge, consent, new token), otherwise UpstreamError. */
  getGraphToken(user: AuthenticatedUser, deadline: Deadline): Promise<string>;
  /** Call this when Graph rejects a token, so that the next one is new. */
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
 * How long a token is cached: until five minutes before its expiry, or for half of its lifetime if that is short. At least
 * 10 s, so that the current request can use it whatever expiry Entra reports.
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
  // User.ReadWrite is the least privilege that can write the user's own open extensions. With the endpoint as prefix,
  // sovereign clouds issue a token for their own Graph.
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
        // One client per exchange (0.5 ms): MSAL's cache never evicts and slows down with every user, and after one throttled
        // call MSAL blocks the calls of all users.
        // Loaded with the first exchange, which a server with another store never makes.
        const { ConfidentialClientApplication } = await import('@azure/msal-node');
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
          if (!result?.accessToken) throw new Error('no access token in the response');
          const lifetimeInMs = (result.expiresOn?.getTime() ?? Date.now()) - Date.now();
          return { accessToken: result.accessToken, lifetimeInMs };
        } catch (error) {
          throw exchange.clientError(options, error) ?? error;
        }
      },
    );
  }

  return {
    async getGraphToken(user, deadline) {
      const cached = tokens.get(user.accessTokenHash);
      if (cached) return cached;
      const { accessToken, lifetimeInMs } = await coalesce(user.accessTokenHash, deadline.signal, (shared) =>
        request(user, shared),
      );
      tokens.set(user.accessTokenHash, accessToken, { ttl: cacheTtlInMs(lifetimeInMs) });
      return accessToken;
    },
    evictGraphToken: (user) => void tokens.delete(user.accessTokenHash),
  };
}

/** An error response of Entra's token endpoint (RFC 6749 section 5.2, with Microsoft's additions). */
interface EntraErrorBody {
  error?: unknown;
  error_codes?: unknown;
  suberror?: unknown;
  claims?: unknown;
}

/**
 * The network client of one exchange. It records the response, because MSAL's errors lose the HTTP status, Retry-After and
 * the cause of a lost connection.
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
      // No request was made: MSAL rejected the settings. A 2xx response that MSAL could not use is an invalid response.
      if (!reply) return { message: 'MSAL made no request' };
      if (reply.status < 400) return { transportFailure: 'invalid_response' };
      const { error } = reply.body;
      const code = [error, ...errorNumbers(reply.body)].filter(Boolean).join(' ');
      const temporary = error === 'temporarily_unavailable' || error === 'server_error';
      const status = temporary && reply.status < 500 && reply.status !== 429 ? 503 : reply.status;
      return { status, code, retryAfterInSeconds: parseRetryAfter(reply.retryAfter) };
    },

    /** The error to return to the caller; undefined if the caller can do nothing about the failure. */
    clientError(options: OboTokensOptions, cause: unknown): Error | undefined {
      if (!reply || transportFailure || reply.status < 400 || reply.status >= 500 || reply.status === 429)
        return undefined;
      return toClientError(reply.body, options, cause);
    },
  };
}

/** Consent is missing (65001), was declined (65004) or needs an administrator (90094, 90095). */
const consentCodes = new Set([65001, 65004, 90094, 90095]);

/** MFA must be used or set up (500xx), or conditional access requires another device or app (5300x). */
const stepUpCodes = new Set([50072, 50074, 50076, 50078, 50079, 50158, 53000, 53001, 53002]);

/** The errors of Entra that the caller must act on. Entra's own text is only logged. */
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
      'Consent is missing: this service stores your identity mapping in Microsoft Graph (permission User.ReadWrite). ' +
        `Sign in again with the scope ${clientId}/.default and prompt=consent, or ask an administrator to open ` +
        `${authorityHost}/${tenantId}/v2.0/adminconsent?client_id=${clientId}&scope=.default`,
      { ...innererror, cause },
    );
  }
  const claims = typeof body.claims === 'string' && body.claims !== '' ? body.claims : undefined;
  const stepUp = body.error === 'interaction_required' || codes.some((code) => stepUpCodes.has(code));
  if (claims !== undefined || stepUp) {
    return challenges.insufficientClaims(
      claims,
      'Microsoft Entra ID requires additional authentication, such as MFA. ' +
        'Sign in again with the claims from the WWW-Authenticate header.',
    );
  }
  if (body.error === 'invalid_grant') {
    return challenges.invalidToken(
      codes[0] === undefined ? 'refused_by_entra' : `AADSTS${codes[0]}`,
      'Microsoft Entra ID no longer accepts this access token. Sign in again and send a new one.',
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
