import type { INetworkModule, NetworkResponse } from '@azure/msal-node';
import { type Deadline, isCallerDisconnected } from '../resilience/deadline';
import { type HttpClient, HttpError } from '../resilience/httpClient';
import { type FailureDetails, parseRetryAfter, UpstreamError } from '../resilience/upstreamError';

/** An error response of Entra's token endpoint (RFC 6749 section 5.2, with Microsoft's additions). */
export interface EntraErrorBody {
  error?: unknown;
  error_codes?: unknown;
  suberror?: unknown;
  claims?: unknown;
}

/**
 * The network client of one token request. It records the response, because MSAL's errors lose the HTTP status, Retry-After and
 * the cause of a lost connection.
 */
export function createTokenRequest(http: HttpClient) {
  let reply: { status: number; retryAfter: string | undefined; body: EntraErrorBody } | undefined;
  let transportFailure: FailureDetails['transportFailure'];

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

    details(): FailureDetails {
      if (transportFailure) return { transportFailure };
      // No request was made: MSAL rejected the settings. A 2xx response that MSAL could not use is an invalid response.
      if (!reply) return { message: 'MSAL made no request' };
      if (reply.status < 400) return { transportFailure: 'invalid_response' };
      const { error } = reply.body;
      const code = [error, ...errorNumbers(reply.body)].filter(Boolean).join(' ');
      const retryAfterInSeconds = parseRetryAfter(reply.retryAfter);
      if (isRequestLoop(reply.body)) {
        const wait = retryAfterInSeconds ?? loopRetryAfterInSeconds;
        return { status: reply.status, code, retryAfterInSeconds: wait, limitsOnlyThisCaller: true };
      }
      const temporary = error === 'temporarily_unavailable' || error === 'server_error';
      const status = temporary && reply.status < 500 && reply.status !== 429 ? 503 : reply.status;
      return { status, code, retryAfterInSeconds };
    },

    /** The body of an error response that is about the request, rather than about the state of Entra ID. */
    rejection(): EntraErrorBody | undefined {
      if (!reply || transportFailure || reply.status < 400 || reply.status >= 500 || reply.status === 429)
        return undefined;
      return isRequestLoop(reply.body) ? undefined : reply.body;
    },
  };
}

/** Entra ID sends no Retry-After with it. It looks at the requests of some minutes, so that a quick retry prolongs the loop. */
const loopRetryAfterInSeconds = 60;

/** Entra ID gets the same request too often (AADSTS50196), which it reports under several names, such as `invalid_grant`. */
function isRequestLoop(body: EntraErrorBody): boolean {
  return errorNumbers(body).includes(50196);
}

/** Throws if Entra issued no token, or one that no header can carry. */
export function issuedToken<Result extends { accessToken: string }>(result: Result | null): Result {
  if (!result || !/^[\x21-\x7e]+$/.test(result.accessToken))
    throw new Error('no usable access token in the response');
  return result;
}

/** Callers share a request, and the deadline of one may end just before the request's own, which alone names the upstream. */
export function nameUpstreamOfTimeout(operation: string, { signal }: Deadline): (error: unknown) => never {
  return (error) => {
    const timedOut = error === signal.reason && !isCallerDisconnected(signal);
    if (!timedOut) throw error;
    throw new UpstreamError('Microsoft Entra ID', operation, { transportFailure: 'timed_out' }, error);
  };
}

export function errorNumbers({ error_codes: codes }: EntraErrorBody): number[] {
  return Array.isArray(codes) ? codes.map(Number).filter(Number.isInteger) : [];
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
