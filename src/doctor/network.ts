import { type HttpClient, HttpError, type HttpResponse } from '../resilience/httpClient';
import { ApiError, isError } from '../errors';
import { type FailureFacts, UpstreamError } from '../resilience/upstreamError';
import type { SettingName } from '../config/settings';
import { problem, type Result } from './check';

/** No single call to a service may take longer. */
export const callTimeLimitInMs = 5_000;

/** A reply, and how far the clock of the one who sent it is ahead of ours. */
export interface TimedReply extends HttpResponse {
  readonly clockAheadInMs: number | undefined;
}

/** Asks without credentials. Throws HttpError if no reply came. */
export async function ask(http: HttpClient, url: string, now: () => number): Promise<TimedReply> {
  const askedAt = now();
  const reply = await http.send(url, { method: 'GET', signal: AbortSignal.timeout(callTimeLimitInMs) });
  return { ...reply, clockAheadInMs: clockAhead(reply.headers, (askedAt + now()) / 2) };
}

/** By the Date header, which counts whole seconds; of a reply out of a cache it says nothing. */
function clockAhead({ date, age }: Record<string, string>, oursInMs: number): number | undefined {
  const theirsInMs = Date.parse(date ?? '');
  return Number.isNaN(theirsInMs) || age !== undefined ? undefined : theirsInMs + 500 - oursInMs;
}

/** What an unanswered call means, for somebody who can mend it. */
export function explainUnanswered(error: unknown, url: string, setting: SettingName): Result {
  const { host } = new URL(url);
  const code = codeOf(error);
  if (code && /^(ENOTFOUND|EAI_AGAIN)$/.test(code)) {
    return problem(
      `the name ${host} cannot be resolved (DNS, ${code})`,
      `Look for a misspelling in ${setting}, and whether this machine may resolve public names.`,
    );
  }
  if (code === 'ECONNREFUSED') {
    return problem(
      `nothing listens at ${host}`,
      `Look at ${setting}; if it names the emulator, start that with: npm run emulator`,
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return problem(
      `the certificate at ${host} is of another name`,
      `Somebody else answers there: look at ${setting}, and for a proxy in between.`,
    );
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return problem(
      `the certificate at ${host} is not valid at this time`,
      "Compare this machine's clock first; the emulator makes a new certificate when it starts.",
    );
  }
  if (code && /SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|ISSUER/.test(code)) {
    return problem(`this process does not trust the certificate at ${host} (${code})`, howToTrust);
  }
  switch (brokenOf(error)) {
    case 'timed_out':
      return problem(
        `${host} did not answer within ${callTimeLimitInMs / 1_000} s`,
        'Look for a firewall, or a network in which only a proxy leads outside.',
      );
    case 'invalid_response':
      return problem(
        `${host} sent an answer that makes no sense`,
        `Something else answers there, such as a proxy: look at ${setting}.`,
      );
    default:
      return problem(
        `no answer from ${host}${code ? ` (${code})` : ''}`,
        'Try again; if it stays so, look for a firewall or a proxy that breaks connections.',
      );
  }
}

const howToTrust =
  'Name the file of the authority that signed it in NODE_EXTRA_CA_CERTS, in the environment before the start (in .env it ' +
  "comes too late): that of your network's inspecting proxy, or .emulator/ca.pem for the emulator.";

function brokenOf(error: unknown): FailureFacts['transportFailure'] {
  if (error instanceof HttpError) return error.transportFailure;
  if (error instanceof UpstreamError) return error.facts.transportFailure;
  return error instanceof ApiError && error.code === 'upstream_timeout' ? 'timed_out' : undefined;
}

/** The code of Node or undici, however deep the SDKs have buried it. */
function codeOf(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  // An ApiError has a code of our own making.
  if ('code' in error && typeof error.code === 'string' && !(error instanceof ApiError)) return error.code;
  return codeOf(error.cause);
}
