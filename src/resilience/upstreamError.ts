import { ApiError, type ErrorCode } from '../errors';

export type UpstreamName =
  'Microsoft Entra ID' | 'Microsoft Graph' | 'Azure Communication Services' | 'Azure Table Storage';

/** What is known of a failed call, whichever SDK made it. */
export interface FailureFacts {
  /** HTTP status of the reply; absent if there was none. */
  status?: number | undefined;
  /** The service's own error code, such as `IdentityNotOwned`. */
  code?: string | undefined;
  /** The service's own words: for the log and for recognising cases, never for a caller. */
  message?: string | undefined;
  retryAfterInSeconds?: number | undefined;
  /** There was no usable reply: why. */
  transportFailure?: 'connect_failed' | 'connection_lost' | 'timed_out' | 'invalid_response' | undefined;
}

/**
 * A call to an upstream that failed. `transient` failures are worth another try; `surelyNotDone` ones cannot have had
 * an effect, so that even a call that must not be repeated may be.
 */
export class UpstreamError extends ApiError {
  override readonly name = 'UpstreamError';
  readonly transient: boolean;
  readonly definitelyNotApplied: boolean;

  constructor(
    readonly upstream: UpstreamName,
    readonly operation: string,
    readonly facts: FailureFacts,
    cause?: unknown,
  ) {
    const { code, message, transient, definitelyNotApplied } = classify(upstream, facts);
    super(code, message, {
      cause,
      innererror: { upstream, operation, ...(facts.status === undefined ? {} : { status: facts.status }) },
      headers: retryHeaders(code, facts),
    });
    this.transient = transient;
    this.definitelyNotApplied = definitelyNotApplied;
  }
}

interface Classification {
  code: ErrorCode;
  message: string;
  transient: boolean;
  definitelyNotApplied: boolean;
}

function classify(upstream: UpstreamName, { status, transportFailure }: FailureFacts): Classification {
  const again = 'Nothing is wrong with your request: try again later.';
  switch (transportFailure) {
    case 'connect_failed':
      return {
        code: 'upstream_unavailable',
        message: `${upstream} cannot be reached at the moment. ${again}`,
        transient: true,
        definitelyNotApplied: true,
      };
    case 'connection_lost':
      return {
        code: 'upstream_unavailable',
        message: `The connection to ${upstream} broke. ${again}`,
        transient: true,
        definitelyNotApplied: false,
      };
    case 'timed_out':
      return {
        code: 'upstream_timeout',
        message: `${upstream} did not answer in time. ${again}`,
        transient: true,
        definitelyNotApplied: false,
      };
    case 'invalid_response':
      return {
        code: 'upstream_invalid_response',
        message: `${upstream} sent an answer that makes no sense. ${again}`,
        transient: false,
        definitelyNotApplied: false,
      };
    case undefined:
      break;
  }
  if (status === 429) {
    return {
      code: 'upstream_throttled',
      message: `${upstream} is limiting requests at the moment. ${again}`,
      transient: true,
      definitelyNotApplied: true,
    };
  }
  if (status === 408 || (status !== undefined && status >= 500)) {
    return {
      code: 'upstream_unavailable',
      message: `${upstream} has a fault at the moment. ${again}`,
      // 501 says that it will never do this; a 503 says that it did not even begin.
      transient: status !== 501,
      definitelyNotApplied: status === 503,
    };
  }
  return {
    code: 'upstream_refused',
    message:
      `${upstream} refused this server's request. Nothing is wrong with yours: whoever runs this server must check ` +
      `its settings; its log says more, under the request id of this answer.`,
    transient: false,
    definitelyNotApplied: true,
  };
}

/** What to tell callers who ask when to come back, where the upstream gave no time itself. */
const defaultRetryAfterInSeconds = 2;

function retryHeaders(code: ErrorCode, { retryAfterInSeconds }: FailureFacts): Record<string, string> {
  const isRetryable =
    code === 'upstream_unavailable' || code === 'upstream_throttled' || code === 'upstream_timeout';
  return isRetryable ? { 'Retry-After': String(retryAfterInSeconds ?? defaultRetryAfterInSeconds) } : {};
}

const secondsInADay = 86_400;

/** Reads `Retry-After` (RFC 9110 section 10.2.3: seconds, or a date) as whole seconds. */
export function parseRetryAfter(value: string | null | undefined, now = Date.now()): number | undefined {
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Math.min(Math.ceil(Number(value)), secondsInADay);
  // Only what begins with the name of a day is a date: Date.parse finds one in almost anything.
  const date = /^[A-Z][a-z]{2,8},? /.test(value.trim()) ? Date.parse(value) : NaN;
  if (Number.isNaN(date)) return undefined;
  return Math.min(Math.max(0, Math.ceil((date - now) / 1000)), secondsInADay);
}
