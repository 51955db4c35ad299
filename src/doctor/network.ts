import { type HttpClient, HttpError, type HttpRequest, type HttpResponse } from '../resilience/httpClient';
import { ApiError, isError } from '../errors';
import { type FailureDetails, UpstreamError } from '../resilience/upstreamError';
import { problem, type Result } from './check';

/** No single call to a service may take longer, unless a test sets a shorter time. */
export const callTimeLimitInMs = 5_000;

/** A response, and how far the sender's clock is ahead of ours. */
export interface TimedReply extends HttpResponse {
  readonly clockAheadInMs: number | undefined;
}

/** What a call without credentials needs. */
export interface Prober {
  readonly http: HttpClient;
  readonly now: () => number;
  readonly callTimeLimitInMs: number;
}

/** Sends a request without credentials. Throws HttpError if there is no response. */
export async function probe(
  { http, now, callTimeLimitInMs: limit }: Prober,
  url: string,
  options: Partial<Pick<HttpRequest, 'method' | 'headers'>> = {},
): Promise<TimedReply> {
  const sentAt = now();
  const reply = await http.send(url, { method: 'GET', ...options, signal: AbortSignal.timeout(limit) });
  return { ...reply, clockAheadInMs: clockAhead(reply.headers, (sentAt + now()) / 2) };
}

/** Undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** From the Date header, which has whole seconds; unknown for a cached response. */
function clockAhead({ date, age }: Record<string, string>, localTimeInMs: number): number | undefined {
  const remoteTimeInMs = Date.parse(date ?? '');
  return Number.isNaN(remoteTimeInMs) || age !== undefined ? undefined : remoteTimeInMs + 500 - localTimeInMs;
}

/** The cause of a call that got no response, and what the operator can do. */
export function explainNetworkError(error: unknown, url: string, setting: string): Result {
  const { host } = new URL(url);
  const code = codeOf(error);
  if (code && /^(ENOTFOUND|EAI_AGAIN)$/.test(code)) {
    return problem(
      `the name ${host} cannot be resolved (DNS, ${code})`,
      `Check the spelling in ${setting}, and whether this machine can resolve public names.`,
    );
  }
  if (code === 'ECONNREFUSED') {
    return problem(
      `nothing listens at ${host}`,
      `Check ${setting}; if it is the emulator, start it with: npm run emulator`,
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return problem(
      `the certificate at ${host} is for another name`,
      `A different server responds there: check ${setting}, and look for a proxy.`,
    );
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return problem(
      `the certificate at ${host} is not valid at this time`,
      "Compare this machine's clock first; the emulator creates a new certificate when it starts.",
    );
  }
  if (code && /SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|ISSUER/.test(code)) {
    return problem(`this process does not trust the certificate at ${host} (${code})`, trustInstructions);
  }
  switch (transportFailureOf(error)) {
    case 'timed_out':
      return problem(
        `${host} did not respond within ${callTimeLimitInMs / 1_000} s`,
        'Check for a firewall, or a network that requires a proxy.',
      );
    case 'invalid_response':
      return problem(
        `${host} returned an invalid response`,
        `Another server responds there, such as a proxy: check ${setting}.`,
      );
    default:
      return problem(
        `no response from ${host}${code ? ` (${code})` : ''}`,
        'Try again; if this persists, look for a firewall or a proxy that breaks connections.',
      );
  }
}

const trustInstructions =
  'Set NODE_EXTRA_CA_CERTS to the file of the authority that signed it, in the environment before the start (.env is read ' +
  "too late): the authority of your network's inspecting proxy, or .emulator/ca.pem for the emulator.";

function transportFailureOf(error: unknown): FailureDetails['transportFailure'] {
  if (error instanceof HttpError) return error.transportFailure;
  if (error instanceof UpstreamError) return error.details.transportFailure;
  return error instanceof ApiError && error.code === 'upstream_timeout' ? 'timed_out' : undefined;
}

/** The error code of Node or undici, however deeply the SDKs have nested it. */
function codeOf(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  // The code of an ApiError is one of ours.
  if ('code' in error && typeof error.code === 'string' && !(error instanceof ApiError)) return error.code;
  return codeOf(error.cause);
}
