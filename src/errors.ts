import { types } from 'node:util';

/**
 * Every error code of the API, with its HTTP status. Codes are stable: they are documented in docs/errors.md and
 * openapi.yaml, and sent in the body and in the header `x-ms-error-code`.
 */
export const errorCodes = {
  invalid_request: 400,
  teams_token_missing: 400,
  teams_token_malformed: 400,
  teams_token_expired: 400,
  teams_token_wrong_audience: 400,
  teams_token_wrong_tenant: 400,
  teams_token_wrong_app: 400,
  teams_token_wrong_user: 400,
  teams_token_rejected: 400,
  missing_token: 401,
  invalid_token: 401,
  insufficient_claims: 401,
  insufficient_scope: 403,
  app_only_token: 403,
  insufficient_role: 403,
  client_not_allowed: 403,
  consent_required: 403,
  teams_exchange_not_supported: 403,
  not_found: 404,
  user_not_found: 404,
  method_not_allowed: 405,
  mapping_not_trusted: 409,
  mapping_of_other_resource: 409,
  extension_limit_reached: 409,
  body_too_large: 413,
  too_many_requests: 429,
  internal_error: 500,
  not_supported_by_store: 501,
  upstream_invalid_response: 502,
  upstream_refused: 502,
  server_overloaded: 503,
  server_unavailable: 503,
  upstream_unavailable: 503,
  upstream_throttled: 503,
  upstream_timeout: 504,
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** The part of the request that is wrong, such as a header name. */
  target?: string;
  /** A more specific reason than the code; never text from an upstream. */
  innererror?: Record<string, string | number>;
  headers?: Record<string, string>;
  cause?: unknown;
  /** For a 5xx that is not a failure of the server: nothing is logged, and no stack is captured. */
  expected?: boolean;
}

/** An error for the caller: status, stable code, and a message that says what is wrong and what to do. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  readonly status: number;
  readonly target: string | undefined;
  readonly innererror: Record<string, string | number> | undefined;
  readonly headers: Record<string, string>;
  /** True for a 5xx whose cause must be logged. */
  readonly isFailure: boolean;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    // Nobody reads the stack of a 4xx, and capturing it would take a third of the time of a rejected request.
    const { stackTraceLimit } = Error;
    const isFailure = errorCodes[code] >= 500 && !details.expected;
    if (!isFailure) Error.stackTraceLimit = 0;
    super(message, { cause: details.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.status = errorCodes[code];
    this.isFailure = isFailure;
    this.target = details.target;
    this.innererror = details.innererror;
    this.headers = details.headers ?? {};
  }
}

/** Like `instanceof Error`, but also true for errors of another realm, such as Node's own in an app whose tests run under Jest. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** The client disconnected; there is no one to respond to, and no upstream has failed. */
export class CallerDisconnectedError extends Error {
  override readonly name = 'CallerDisconnectedError';

  constructor() {
    super('the client closed the connection before the response was ready');
  }
}

/** Text from a request, made safe to repeat in a message: printable ASCII without quotes, and shortened. */
export function printable(text: string, maxLength: number): string {
  const safe = text.slice(0, maxLength).replace(/[^\x20-\x7e]|["\\]/g, '?');
  return text.length > maxLength ? `${safe}...` : safe;
}
