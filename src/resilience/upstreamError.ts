import { ApiError, type ErrorCode } from '../errors';

export type UpstreamName =
  | 'Microsoft Entra ID'
  | 'Microsoft Entra External ID'
  | 'Azure AD B2C'
  | 'the OpenID Connect provider'
  | 'Microsoft Graph'
  | 'Azure Communication Services'
  | 'Azure Table Storage'
  | 'Azure managed identity';

/** What is known about a failed call, independent of the SDK. */
export interface FailureDetails {
  /** HTTP status of the response; absent if there was none. */
  status?: number | undefined;
  /** The service's own error code, such as `IdentityNotOwned`. */
  code?: string | undefined;
  /** The service's own message: for logs and for recognizing errors, never for a caller. */
  message?: string | undefined;
  retryAfterInSeconds?: number | undefined;
  /** The upstream serves others, but not this caller for a while: there is no retry, and it counts for no circuit breaker. */
  limitsOnlyThisCaller?: boolean;
  /** The upstream counts as unavailable, whatever the status. */
  unavailable?: boolean | undefined;
  /** Why there was no usable response. */
  transportFailure?: 'connect_failed' | 'connection_lost' | 'timed_out' | 'invalid_response' | undefined;
}

/**
 * A failed call to an upstream. `transient`: a retry may succeed. `definitelyNotApplied`: the call had no effect, so that
 * even a call that is not idempotent can be retried.
 */
export class UpstreamError extends ApiError {
  override readonly name = 'UpstreamError';
  readonly transient: boolean;
  readonly definitelyNotApplied: boolean;

  constructor(
    readonly upstream: UpstreamName,
    readonly operation: string,
    readonly details: FailureDetails,
    cause?: unknown,
  ) {
    const { code, message, transient, definitelyNotApplied } = classify(upstream, details);
    super(code, message, {
      cause,
      innererror: {
        upstream,
        operation,
        ...(details.status === undefined ? {} : { status: details.status }),
      },
      headers: retryHeaders(code, details),
    });
    this.transient = transient;
    // Without the managed identity's token, the call that needs it is not made.
    this.definitelyNotApplied = definitelyNotApplied || upstream === 'Azure managed identity';
  }
}

interface Classification {
  code: ErrorCode;
  message: string;
  transient: boolean;
  definitelyNotApplied: boolean;
}

const advice = 'Try again later.';

function classify(upstream: UpstreamName, details: FailureDetails): Classification {
  return details.transportFailure === undefined
    ? classifyResponse(upstream, details)
    : classifyTransportFailure(upstream, details.transportFailure);
}

function classifyTransportFailure(
  upstream: UpstreamName,
  transportFailure: NonNullable<FailureDetails['transportFailure']>,
): Classification {
  switch (transportFailure) {
    case 'connect_failed':
      return {
        code: 'upstream_unavailable',
        message: `${upstream} cannot be reached. ${advice}`,
        transient: true,
        definitelyNotApplied: true,
      };
    case 'connection_lost':
      return {
        code: 'upstream_unavailable',
        message: `The connection to ${upstream} was lost. ${advice}`,
        transient: true,
        definitelyNotApplied: false,
      };
    case 'timed_out':
      return {
        code: 'upstream_timeout',
        message: `${upstream} did not respond in time. ${advice}`,
        transient: true,
        definitelyNotApplied: false,
      };
    case 'invalid_response':
      return {
        code: 'upstream_invalid_response',
        message: `${upstream} returned an invalid response. ${advice}`,
        transient: false,
        definitelyNotApplied: false,
      };
  }
}

function classifyResponse(
  upstream: UpstreamName,
  { status, unavailable, limitsOnlyThisCaller = false }: FailureDetails,
): Classification {
  if (status === 429 || limitsOnlyThisCaller) {
    return {
      code: 'upstream_throttled',
      message: `${upstream} is throttling requests. ${advice}`,
      transient: !limitsOnlyThisCaller,
      definitelyNotApplied: true,
    };
  }
  if (unavailable || status === 408 || (status !== undefined && status >= 500)) {
    return {
      code: 'upstream_unavailable',
      message: `${upstream} is unavailable. ${advice}`,
      // A retry cannot change a 501. A 503 means that the service did not start to process the request.
      transient: status !== 501,
      definitelyNotApplied: status === 503,
    };
  }
  return {
    code: 'upstream_refused',
    message:
      `${upstream} rejected a request from this server. The operator of this server must check its settings; ` +
      'the log has the details under the request ID of this response.',
    transient: false,
    definitelyNotApplied: true,
  };
}

/** Retry-After for callers if the upstream sent none. */
const defaultRetryAfterInSeconds = 2;

function retryHeaders(code: ErrorCode, { retryAfterInSeconds }: FailureDetails): Record<string, string> {
  const isRetryable =
    code === 'upstream_unavailable' || code === 'upstream_throttled' || code === 'upstream_timeout';
  return isRetryable ? { 'Retry-After': String(retryAfterInSeconds ?? defaultRetryAfterInSeconds) } : {};
}

const secondsInADay = 86_400;

/**
 * Reads `Retry-After` (RFC 9110 section 10.2.3: seconds, or a date) as whole seconds. Of several, which HTTP clients join with commas, the
 * first counts. No time at all, such as a date in the past by our clock, counts as none: it would turn off the pauses of retries,
 * circuit breakers and callers.
 */
export function parseRetryAfter(value: string | null | undefined, now = Date.now()): number | undefined {
  const text = value?.trim() ?? '';
  const [, seconds] = /^(\d+(?:\.\d+)?)\s*(?:,|$)/.exec(text) ?? [];
  if (seconds !== undefined) return waitOf(Number(seconds));
  // An HTTP date begins with the name of a day. Date.parse accepts almost anything.
  const [date] = /^[A-Z][a-z]{2,8},? [^,]+/.exec(text) ?? [];
  const time = date === undefined ? NaN : Date.parse(date);
  return waitOf((time - now) / 1_000);
}

function waitOf(seconds: number): number | undefined {
  return seconds > 0 ? Math.min(Math.ceil(seconds), secondsInADay) : undefined;
}
