import { type Call, header, type Reply } from '../http/exchange';
import { type CodeGrant } from '../state/signIns';
import { hash } from '../tokens/jwt';
import { type EmulatorContext } from '../context';
import {
  authenticateClient,
  authenticatePublicClient,
  type ClientAuthentication,
} from './clientAuthentication';
import { fail, messageTime } from './errors';
import { issue } from './issue';
import { inactivityInMs, openRefreshToken, type RefreshGrant, refreshTokenExpiry } from './refreshTokens';
import { checkTenant, findRegistration, type Registration } from './registrations';
import { checkResource, type RequestedScopes, parseScopes } from './scopes';
import { requestedStepUp } from './stepUp';
import { required, tokenForm } from './tokenRequest';

/** A client redeems the authorization code from the browser. */
export function redeemCode(context: EmulatorContext, call: Call): Reply {
  const fields = tokenForm(call);
  checkTenant(call.params.tenant, true);
  const registration = findRegistration(fields.get('client_id'));
  const grant = findCode(context, fields, registration);
  const singlePage = grant.platform === 'spa';
  const publicClient = grant.platform === 'native';
  const platform = { singlePage, publicClient };
  const clientAuthentication = checkPlatform(context, call, fields, registration, platform);
  checkProofKey(fields, grant);
  const scopes = requestedOrGranted(context, fields, registration, grant.scope);
  const { userObjectId, satisfied, nonce } = grant;
  const reply = issue(context, fields, registration, {
    refresh: {
      userObjectId,
      satisfied,
      clientId: grant.clientId,
      singlePage,
      publicClient,
      scope: fields.get('scope') ?? grant.scope,
      expiresAt: refreshTokenExpiry(context, singlePage),
    },
    scopes,
    nonce,
    clientAuthentication,
    issuerOrigin: context.names.issuerOrigin(call),
  });
  grant.redeemed = true;
  return reply;
}

export function redeemRefreshToken(context: EmulatorContext, call: Call): Reply {
  const fields = tokenForm(call);
  checkTenant(call.params.tenant, true);
  const registration = findRegistration(fields.get('client_id'));
  const grant = findRefreshGrant(context, fields, registration);
  const clientAuthentication = checkPlatform(context, call, fields, registration, grant);
  const satisfied = grant.satisfied ?? [];
  const requested = requestedStepUp(fields.get('claims')) ?? [];
  if (!requested.every((value) => satisfied.includes(value))) {
    fail({
      status: 400,
      error: 'interaction_required',
      suberror: 'basic_action',
      code: 50076,
      message:
        'Due to a configuration change made by your administrator, or because you moved to a new location, you must ' +
        'use multi-factor authentication to access the resource.',
    });
  }
  const scope = fields.get('scope') ?? grant.scope;
  const expiresAt = grant.singlePage ? grant.expiresAt : refreshTokenExpiry(context, false);
  const scopes = requestedOrGranted(context, fields, registration, grant.scope);
  const refresh = { ...grant, scope, expiresAt };
  const issuerOrigin = context.names.issuerOrigin(call);
  return issue(context, fields, registration, { refresh, scopes, clientAuthentication, issuerOrigin });
}

function findCode(context: EmulatorContext, fields: URLSearchParams, registration: Registration): CodeGrant {
  const code = required(fields, 'code');
  const grant = context.directory.signIns.code(code);
  if (grant?.clientId !== registration.clientId) {
    invalidGrant(9002313, 'Invalid request. Request is malformed or invalid.');
  }
  if (grant.redeemed) {
    invalidGrant(
      54005,
      'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    );
  }
  if (grant.expiresAt < context.clock()) {
    invalidGrant(
      70008,
      'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive ' +
        'authorization request for this user and resource.',
    );
  }
  const redirectUri = required(fields, 'redirect_uri');
  if (redirectUri !== grant.redirectUri) {
    fail({
      status: 400,
      error: 'invalid_client',
      code: 500112,
      message:
        `The reply address '${redirectUri}' does not match the reply address '${grant.redirectUri}' provided when ` +
        'requesting Authorization code.',
    });
  }
  return grant;
}

function findRefreshGrant(
  context: EmulatorContext,
  fields: URLSearchParams,
  registration: Registration,
): RefreshGrant {
  const grant = openRefreshToken(context, required(fields, 'refresh_token'));
  if (grant?.clientId !== registration.clientId) {
    invalidGrant(9002313, 'Invalid request. Request is malformed or invalid.');
  }
  if (grant.expiresAt < context.clock()) expired(grant);
  return grant;
}

function expired({ singlePage, expiresAt }: RefreshGrant): never {
  if (singlePage) {
    invalidGrant(
      700084,
      'The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of ' +
        '1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to ' +
        'the sign in page.',
    );
  }
  const issuedOn = messageTime((expiresAt - inactivityInMs) / 1000);
  invalidGrant(
    700082,
    `The refresh token has expired due to inactivity. The token was issued on ${issuedOn} and was inactive for ` +
      '90.00:00:00.',
  );
}

/** A single-page app has no secret and calls from a browser; a web app has one and does not. */
function checkPlatform(
  context: EmulatorContext,
  call: Call,
  fields: URLSearchParams,
  registration: Registration,
  { singlePage, publicClient = false }: Pick<RefreshGrant, 'singlePage' | 'publicClient'>,
): ClientAuthentication {
  const origin = header(call, 'origin');
  if (!singlePage) {
    if (origin !== undefined) {
      fail({
        status: 400,
        error: 'invalid_request',
        code: 9002326,
        message:
          "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request " +
          `origin: '${origin}'.`,
      });
    }
    const authenticate = publicClient ? authenticatePublicClient : authenticateClient;
    return authenticate(context, call, fields, registration);
  }
  if (origin === undefined) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 9002327,
      message:
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    });
  }
  if (fields.has('client_secret') || fields.has('client_assertion')) {
    fail({
      status: 401,
      error: 'invalid_client',
      code: 700025,
      message: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    });
  }
  return '0';
}

function checkProofKey(fields: URLSearchParams, grant: CodeGrant): void {
  if (grant.codeChallenge === undefined) return;
  const verifier = fields.get('code_verifier');
  if (verifier !== null && hash(verifier) === grant.codeChallenge) return;
  invalidGrant(
    501481,
    'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  );
}

/** A sign-in may cover several resources, but a token is for one: by default the first. */
function requestedOrGranted(
  context: EmulatorContext,
  fields: URLSearchParams,
  registration: Registration,
  granted: string,
): RequestedScopes {
  const requested = fields.get('scope');
  const scopes = parseScopes(requested ?? granted, registration, context.url);
  if (requested === null) scopes.resources = Object.fromEntries(Object.entries(scopes.resources).slice(0, 1));
  checkResource(fields, scopes, context.url);
  return scopes;
}

function invalidGrant(code: number, message: string): never {
  fail({ status: 400, error: 'invalid_grant', code, message });
}
