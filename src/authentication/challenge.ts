import { ApiError, type ErrorCode } from '../errors';

/** Errors with the challenges of RFC 6750 section 3. */
export interface Challenges {
  /** 401 without an error in the challenge: the caller sent no token (RFC 6750 section 3.1). */
  missingToken(message: string): ApiError;
  invalidToken(reason: string, message: string): ApiError;
  forbidden(code: ErrorCode, message: string): ApiError;
  /** 403 to a caller without the required application role. No scope can replace it. */
  roleMissing(message: string): ApiError;
  /** 401 that requires a new sign-in that satisfies `claims` (JSON, as received from Entra). */
  insufficientClaims(claims: string | undefined, message: string): ApiError;
}

export interface ChallengeOptions {
  realm: string;
  /** Where users sign in, if it is known without asking the provider. */
  authorizationUri?: string | undefined;
  requiredScope: string;
}

export function createChallenges({ realm, authorizationUri, requiredScope }: ChallengeOptions): Challenges {
  const signIn = authorizationUri === undefined ? {} : { authorization_uri: authorizationUri };
  const header = (parameters: Record<string, string>) => ({
    'WWW-Authenticate': `Bearer ${Object.entries({ realm, ...parameters })
      .map(([name, value]) => `${name}="${toQuotedString(value)}"`)
      .join(', ')}`,
  });
  return {
    missingToken: (message) => new ApiError('missing_token', message, { headers: header({}) }),
    invalidToken: (reason, message) =>
      new ApiError('invalid_token', message, {
        innererror: { code: reason },
        headers: header({
          ...signIn,
          error: 'invalid_token',
          error_description: message,
        }),
      }),
    forbidden: (code, message) =>
      new ApiError(code, message, {
        headers: header({ error: 'insufficient_scope', scope: requiredScope, error_description: message }),
      }),
    roleMissing: (message) =>
      new ApiError('insufficient_role', message, {
        headers: header({ error: 'insufficient_scope', error_description: message }),
      }),
    // https://learn.microsoft.com/entra/identity-platform/claims-challenge
    insufficientClaims: (claims, message) =>
      new ApiError('insufficient_claims', message, {
        headers: header({
          ...signIn,
          error: 'insufficient_claims',
          ...(claims ? { claims: Buffer.from(compactJson(claims)).toString('base64') } : {}),
        }),
      }),
  };
}

/** The content of an RFC 9110 quoted-string, with everything replaced that would need escaping. */
function toQuotedString(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, ' ').replace(/["\\]/g, "'");
}

function compactJson(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return json;
  }
}
