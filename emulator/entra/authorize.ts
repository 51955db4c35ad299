import { randomUUID } from 'node:crypto';
import { type Call, form, type Reply } from '../http/exchange';
import { sessionIn, withoutSession, withSession } from '../http/sessionCookie';
import { tenantId } from '../seed';
import { type Session } from '../state/signIns';
import { type User } from '../state/users';
import { encodePart } from '../tokens/jwt';
import { type EmulatorContext } from '../context';
import {
  type AuthorizationRequest,
  parseRequest,
  parseReturnAddress,
  type ReturnAddress,
} from './authorizationRequest';
import { consentFailure, giveConsent, missingConsent } from './consent';
import { describe, EntraError, type EntraFailure, fail } from './errors';
import { errorPage, signedOutPage, signInPage } from './pages';
import { sendBack, sendBackSignedOut } from './sendBack';
import { checkTenant, isRegisteredRedirectUri } from './registrations';

const codeLifetimeInMs = 10 * 60 * 1000;
const cookie = 'emulator_session';
const maxUsersOnPage = 20;

/** Where a browser is sent to sign in. */
export function authorize(context: EmulatorContext, call: Call): Reply {
  return withErrorMapping(context, call, call.query, (request) => {
    const session = sessionOf(context, call);
    const missing = missingRequirement(context, request, session);
    if (request.prompt === 'none') {
      if (missing) fail(missing);
      return withCode(context, request, session);
    }
    // No page if the browser is already signed in as the user that the client names.
    if (!missing && request.loginHint !== null && request.prompt === null) {
      return withCode(context, request, session);
    }
    return signInPage({
      action: `/${call.params.tenant ?? ''}/login`,
      query: call.query.toString(),
      users: offeredUsers(context, request.loginHint),
      application: request.registration.name,
      permissions: request.scope.split(/\s+/).map((scope) => scope.slice(scope.lastIndexOf('/') + 1)),
      newPermissions: missingConsent(context, request.registration, request.scopes).flatMap(
        ([, names]) => names,
      ),
      stepUp: request.requestedStepUp !== undefined,
      consent: request.prompt === 'consent',
    });
  });
}

/** A user was chosen on the page. */
export function signIn(context: EmulatorContext, call: Call): Reply {
  const fields = form(call);
  return withErrorMapping(context, call, new URLSearchParams(fields.get('request') ?? ''), (request) => {
    const user =
      context.directory.users.find(fields.get('user') ?? '') ?? userNotFound(fields.get('user') ?? '');
    if (request.prompt === 'consent') context.switches.consentRequiredFor.delete(user.objectId);
    giveConsent(context, request.registration, user, request.scopes);
    const session = { userObjectId: user.objectId, satisfied: request.requestedStepUp };
    const id = context.directory.signIns.startSession(session);
    return withSession(withCode(context, request, session), cookie, id);
  });
}

export function logout(context: EmulatorContext, call: Call): Reply {
  context.directory.signIns.endSession(sessionIn(call, cookie));
  const target = call.query.get('post_logout_redirect_uri');
  if (target === null || !isRegisteredRedirectUri(target)) {
    return withoutSession(signedOutPage(), cookie);
  }
  return withoutSession(sendBackSignedOut(target, call.query.get('state')), cookie);
}

/** Sends a failure to the client's return address, or shows it to the person if there is no trusted address. */
function withErrorMapping(
  context: EmulatorContext,
  call: Call,
  query: URLSearchParams,
  handle: (request: AuthorizationRequest) => Reply,
): Reply {
  let address: ReturnAddress | undefined;
  try {
    checkTenant(call.params.tenant, true);
    address = parseReturnAddress(query);
    return handle(parseRequest(context, query, address));
  } catch (error) {
    if (!(error instanceof EntraError)) throw error;
    const { error_description: description, error_uri: uri } = describe(error.failure, call);
    if (!address) return errorPage(error.failure.status, description);
    // MSAL takes the number of the error from the URI.
    return sendBack(address, { error: error.failure.error, error_description: description, error_uri: uri });
  }
}

/** Why the browser's session does not satisfy the request; undefined if it does. */
function missingRequirement(
  context: EmulatorContext,
  request: AuthorizationRequest,
  session: Session | undefined,
): EntraFailure | undefined {
  const user = session && context.directory.users.find(session.userObjectId);
  const hinted = request.loginHint?.toLowerCase() ?? user?.userPrincipalName;
  if (!user || (hinted !== user.userPrincipalName && hinted !== user.objectId)) {
    return {
      status: 400,
      error: 'login_required',
      code: 50058,
      message:
        "A silent sign-in request was sent but no user is signed in. The cookies used to represent the user's session " +
        'were not sent in the request to Azure AD.',
    };
  }
  if (missingConsent(context, request.registration, request.scopes, user.objectId).length > 0) {
    return consentFailure(request.registration);
  }
  const satisfied = session.satisfied ?? [];
  if (request.requestedStepUp?.every((value) => satisfied.includes(value)) ?? true) return undefined;
  return {
    status: 400,
    error: 'interaction_required',
    code: 50076,
    message:
      'Due to a configuration change made by your administrator, or because you moved to a new location, you must use ' +
      'multi-factor authentication to access the resource.',
  };
}

function withCode(
  context: EmulatorContext,
  request: AuthorizationRequest,
  session: Session | undefined,
): Reply {
  if (!session) throw new Error('a code needs a session');
  const code = context.directory.signIns.addCode({
    ...session,
    clientId: request.registration.clientId,
    redirectUri: request.redirectUri,
    platform: request.platform,
    scope: request.scope,
    nonce: request.nonce,
    codeChallenge: request.codeChallenge,
    expiresAt: context.clock() + codeLifetimeInMs,
    redeemed: false,
  });
  const account = { uid: session.userObjectId, utid: tenantId };
  const response = {
    code,
    ...(request.clientInfo ? { client_info: encodePart(account) } : {}),
    session_state: randomUUID(),
  };
  return sendBack(request, response);
}

/** The hinted one first. */
function offeredUsers(context: EmulatorContext, loginHint: string | null): User[] {
  const hinted = loginHint === null ? undefined : context.directory.users.find(loginHint);
  const others = context.directory.users.all().slice(0, maxUsersOnPage);
  return hinted ? [hinted, ...others.filter((user) => user !== hinted)] : others;
}

function sessionOf(context: EmulatorContext, call: Call): Session | undefined {
  return context.directory.signIns.session(sessionIn(call, cookie));
}

function userNotFound(who: string): never {
  fail({
    status: 400,
    error: 'invalid_request',
    code: 50034,
    message: `The user account ${who} does not exist in the directory.`,
  });
}
