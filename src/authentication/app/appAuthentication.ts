import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { ApiError } from '../../errors';
import { isCallerDisconnected, withSignal } from '../../resilience/deadline';
import { AuthenticatedUser, setCaller, userKeyOf } from '../authenticatedUser';

/** A user whom an app has signed in itself. */
export interface AppUser {
  /**
   * The user's id: never reassigned to another user, so not an email address. A user is identified by `issuer` and `subject`
   * together.
   */
  readonly subject: string;
  /** Who gave the user this id, if the app has several sources of users. `app` if absent. */
  readonly issuer?: string | undefined;
}

/** The user of a request, such as that of its session; undefined if no one is signed in. */
export type Authenticate = (request: Request) => AppUser | undefined | Promise<AppUser | undefined>;

/** Not an issuer of tokens, which is a URL. */
const defaultIssuer = 'app';

const appUser = z.object({
  subject: z.string().min(1),
  issuer: z.string().min(1).default(defaultIssuer),
});

export interface AppAuthenticationOptions {
  authenticate: Authenticate;
  /** Aborts when the time of the request is up, or its client has disconnected. */
  signalOf: (response: Response) => AbortSignal;
}

/** Passes on requests whose user the app knows; all others go to the error handler. */
export function createAppAuthentication({
  authenticate,
  signalOf,
}: AppAuthenticationOptions): RequestHandler {
  return async (request, response, next) => {
    const found = await callAuthenticate(authenticate, request, signalOf(response));
    if (found === undefined || found === null) throw notSignedInError();
    const parsed = appUser.safeParse(found);
    if (!parsed.success) {
      throw new TypeError(
        'authenticate must return undefined or { subject, issuer? }, with text that is not empty',
      );
    }
    setCaller(response, userOf(parsed.data));
    next();
  };
}

/** A failure of the app is an internal error, whatever status it may have. */
async function callAuthenticate(
  authenticate: Authenticate,
  request: Request,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await withSignal(Promise.resolve(authenticate(request)), signal);
  } catch (error) {
    if (!signal.aborted) throw new Error('authenticate failed', { cause: error });
    throw isCallerDisconnected(signal) ? error : appTimedOut();
  }
}

/** Like an upstream, such as the app's session store, which it may be waiting for. */
function appTimedOut(): ApiError {
  return new ApiError('upstream_timeout', 'The app did not identify the user in time. Try again later.', {
    headers: { 'Retry-After': '2' },
    cause: new Error('authenticate did not settle in time'),
  });
}

/** There is no access token: the user's key replaces its hash in caches, and the app decides when the sign-in ends. */
function userOf({ issuer, subject }: z.output<typeof appUser>): AuthenticatedUser {
  const key = userKeyOf(issuer, subject);
  return new AuthenticatedUser({
    key,
    issuer,
    subject,
    clientId: undefined,
    expiresAt: Number.POSITIVE_INFINITY,
    accessToken: '',
    accessTokenHash: key,
  });
}

/** RFC 9110 section 15.5.2 requires a challenge; a Bearer challenge would be misleading. */
function notSignedInError(): ApiError {
  return new ApiError('missing_token', 'You are not signed in. Sign in to the app, then call again.', {
    headers: { 'WWW-Authenticate': 'Session' },
  });
}
