import { GraphClientError, GraphError } from '@microsoft/microsoft-graph-client';
import type { Challenges } from '../authentication/challenge';
import { ApiError } from '../errors';
import { HttpError } from '../resilience/httpClient';
import { type FailureDetails, parseRetryAfter } from '../resilience/upstreamError';

/** Errors on which the caller, or their administrator, can act. */
export function toUserError(
  error: GraphError,
  extensionName: string,
  challenges: Challenges,
): ApiError | undefined {
  const challenge = headerOf(error, 'www-authenticate') ?? '';
  if ((error.statusCode === 401 || error.statusCode === 403) && challenge.includes('insufficient_claims')) {
    const [, claims] = /claims="([^"]+)"/.exec(challenge) ?? [];
    return challenges.insufficientClaims(
      claims && Buffer.from(claims, 'base64').toString('utf8'),
      'Microsoft Graph requires additional authentication, such as MFA. Sign in again with the claims in the WWW-Authenticate header.',
    );
  }
  if (isDenied(error)) {
    return new ApiError(
      'consent_required',
      'Microsoft Graph does not let this service store your identity mapping: the delegated permission User.ReadWrite is missing. ' +
        'An administrator can grant it to this API in the Microsoft Entra admin center, under App registrations > API permissions.',
      { innererror: { code: 'graph_access_denied' }, cause: error },
    );
  }
  if (error.statusCode === 400 && /maximum number of extensions/i.test(error.message)) {
    return new ApiError(
      'extension_limit_reached',
      'Your Entra user already has two open extensions of this application, the maximum that Microsoft Graph allows. ' +
        `The server's operator must remove one that is not ${extensionName}, or use its name as GRAPH_EXTENSION_NAME.`,
      { cause: error },
    );
  }
  return undefined;
}

export function describe(error: unknown): FailureDetails {
  if (error instanceof GraphClientError) {
    const cause: unknown = error.customError;
    return { transportFailure: cause instanceof HttpError ? cause.transportFailure : 'invalid_response' };
  }
  if (error instanceof GraphError && error.statusCode >= 400) {
    return {
      status: error.statusCode,
      code: error.code ?? undefined,
      message: error.message,
      retryAfterInSeconds: parseRetryAfter(headerOf(error, 'retry-after')),
    };
  }
  return { transportFailure: 'invalid_response' };
}

function headerOf({ headers }: GraphError, name: string): string | undefined {
  return headers?.get(name) ?? undefined;
}

/** The status for a second extension of one name is not documented: Graph has sent 400 with this text; 409 would fit too. */
export function alreadyExists({ statusCode, message }: GraphError): boolean {
  return statusCode === 409 || (statusCode === 400 && /already exists/i.test(message));
}

/** A proxy may send 404 too, but without an error code. Then the extension may still exist. */
export function isMissing({ statusCode, code }: GraphError): boolean {
  return statusCode === 404 && Boolean(code);
}

/** A proxy's 403 has no error code either, and no permission helps against it. */
function isDenied({ statusCode, code }: GraphError): boolean {
  return statusCode === 403 && Boolean(code);
}

/** Errors of a call that the application makes as itself, on behalf of an administrator. */
export function toAdministratorError(error: GraphError): ApiError | undefined {
  if (isDenied(error)) return storeWithoutAdministration(error);
  const noSuchUser = error.statusCode === 404 && error.code === 'Request_ResourceNotFound';
  if (!noSuchUser) return undefined;
  return new ApiError(
    'user_not_found',
    'Microsoft Entra ID has no such user. Microsoft Graph deletes the mapping together with the entry of its user, so the identity ' +
      'can no longer be attributed. Erase users before their entry is deleted, or keep the mappings in a table (IDENTITY_STORE=table).',
    { innererror: { code: 'no_such_entra_user' }, cause: error },
  );
}

function storeWithoutAdministration(cause: GraphError): ApiError {
  return new ApiError(
    'not_supported_by_store',
    'This server keeps mappings in Microsoft Graph, where it acts for signed-in users only. Its operator can use another identity ' +
      'store (IDENTITY_STORE=table), or grant AuthServer the application permission User.ReadWrite.All in Microsoft Graph, which lets it ' +
      'change every user of the tenant.',
    { innererror: { code: 'graph_application_permission_missing' }, cause, expected: true },
  );
}
