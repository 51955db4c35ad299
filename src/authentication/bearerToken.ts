import type { Request } from 'express';
import { ApiError } from '../errors';
import type { Challenges } from './challenge';

/**
 * The token from the Authorization header, the only place where one is accepted (RFC 6750 section 2.1).
 *
 * @param signIn what to sign in with, for messages
 */
export function bearerTokenOf(request: Request, challenges: Challenges, signIn: string): string {
  const { authorization } = request.headers;
  const inQuery = /[?&]access_token=/i.test(request.url);
  const [, token] = /^Bearer (\S+)$/i.exec(authorization ?? '') ?? [];
  if (token && (inQuery || countHeader(request, 'authorization') > 1)) {
    throw new ApiError(
      'invalid_request',
      inQuery
        ? 'The access token was sent in the URL as well. Send it in the Authorization header only.'
        : 'The Authorization header was sent more than once. Send it once.',
      { target: inQuery ? 'access_token' : 'Authorization' },
    );
  }
  if (token) return token;
  if (authorization && /^Bearer +\S/i.test(authorization)) {
    throw challenges.invalidToken(
      'malformed_token',
      `The Authorization header contains extra spaces. ${sendInstructions}`,
    );
  }
  throw challenges.missingToken(missingTokenMessage(authorization, inQuery, signIn));
}

const sendInstructions = 'Send: Authorization: Bearer <access token>.';

function missingTokenMessage(authorization: string | undefined, inQuery: boolean, signIn: string): string {
  if (inQuery) return `An access token in the URL is not accepted. ${sendInstructions}`;
  if (!authorization) return `No access token. Sign in with ${signIn}. ${sendInstructions}`;
  return /^Bearer$/i.test(authorization)
    ? `The Authorization header has no access token. ${sendInstructions}`
    : `The Authorization header has no Bearer prefix. ${sendInstructions}`;
}

/** How often a header was sent; `headers` has only the first Authorization header. */
function countHeader({ rawHeaders }: Request, name: string): number {
  return rawHeaders.filter(
    (text, index) => index % 2 === 0 && text.length === name.length && text.toLowerCase() === name,
  ).length;
}
