import type { ErrorCode } from '../../src/errors';
import type { Emulator } from '../../emulator/emulator';

/** The parts of a response that tests use, for any HTTP client. */
export interface ApiResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Record<string, string | undefined>;
  readonly body: unknown;
}

export interface ExpectedError {
  status: number;
  code: ErrorCode;
  target?: string;
  innererror?: unknown;
  /** The parameters of the Bearer challenge; absent: no challenge. */
  challenge?: Record<string, unknown>;
  /** The seconds of Retry-After, or `some` for any number; absent: no such header. */
  retryAfter?: number | 'some';
  /** Absent: no such header. */
  allow?: string;
  /** Whether the error links to its documentation; a router in another app does not. */
  documented?: boolean;
}

const requestId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Checks that an error response has everything that the contract requires, and nothing else. */
export function expectError(response: ApiResponse, expected: ExpectedError): void {
  const { status, code, target, innererror, challenge, retryAfter, allow, documented = true } = expected;
  const { headers } = response;
  expect({ status: response.status, body: response.body }).toEqual({
    status,
    body: {
      error: {
        code,
        message: expect.stringMatching(/\S+ \S+/),
        ...(target === undefined ? {} : { target }),
        ...(innererror === undefined ? {} : { innererror }),
        ...(documented ? { documentation: `/docs/errors#${code}` } : {}),
      },
    },
  });
  expect(headers['x-ms-error-code']).toBe(code);
  expect(headers['content-type']).toMatch(/^application\/json\b/);
  expectCommonHeaders(response);
  const challenges = headers['www-authenticate'];
  expect(challenges === undefined ? undefined : parseChallenge(challenges)).toEqual(challenge);
  expect(headers.allow).toBe(allow);
  expect(headers['retry-after']).toEqual(
    retryAfter === 'some' ? expect.stringMatching(/^[1-9]\d*$/) : retryAfter?.toString(),
  );
}

/** Checks the headers of every response, success or error. */
export function expectCommonHeaders({ headers }: ApiResponse): void {
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-ms-request-id']).toMatch(requestId);
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['x-powered-by']).toBeUndefined();
}

/** The parameters of a Bearer challenge (RFC 9110 section 11.6.1); throws if it is not one, or names one twice. */
export function parseChallenge(header: string): Record<string, string> {
  if (!header.startsWith('Bearer ')) throw new Error(`not a Bearer challenge: ${header}`);
  const parameters: Record<string, string> = {};
  let rest = header.slice('Bearer '.length);
  while (rest !== '') {
    const [whole, name = '', value = ''] = /^(\w+)="([^"\\]*)"(?:, (?=\w)|$)/.exec(rest) ?? [];
    if (whole === undefined || name in parameters) throw new Error(`not a well-formed challenge: ${header}`);
    parameters[name] = value;
    rest = rest.slice(whole.length);
  }
  return parameters;
}

/** The challenges of this API (RFC 6750 section 3). */
export function challengesOf({ url, tenantId, authServer }: Emulator) {
  const realm = `api://${authServer.clientId}`;
  const authorizationUri = `${url}/${tenantId}/oauth2/v2.0/authorize`;
  const description: unknown = expect.stringMatching(/\S+ \S+/);
  return {
    /** Without a token there is no error to report. */
    withoutError: { realm },
    invalidToken: {
      realm,
      authorization_uri: authorizationUri,
      error: 'invalid_token',
      error_description: description,
    },
    insufficientScope: {
      realm,
      error: 'insufficient_scope',
      scope: 'access_as_user',
      error_description: description,
    },
    insufficientRole: { realm, error: 'insufficient_scope', error_description: description },
    insufficientClaims: (claims: unknown) => ({
      realm,
      authorization_uri: authorizationUri,
      error: 'insufficient_claims',
      claims: Buffer.from(JSON.stringify(claims)).toString('base64'),
    }),
  };
}
