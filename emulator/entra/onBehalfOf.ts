import { inSeconds } from '../clock';
import { type Call, type Reply } from '../http/exchange';
import { authServer } from '../seed';
import { graphAppId } from '../tokens/audiences';
import { v1Issuer } from '../tokens/claims';
import { type Claims, decodeJwt } from '../tokens/jwt';
import { type VerificationResult } from '../tokens/signingKeys';
import { type EmulatorContext } from '../context';
import { authenticateClient } from './clientAuthentication';
import { checkConsent, consentMissing } from './consent';
import { fail, messageTime } from './errors';
import { checkTenant, findRegistration, type Registration } from './registrations';
import { parseScopes, singleResource } from './scopes';
import { stepUpClaims } from './stepUp';
import { refreshTokenExpiry, sealRefreshToken } from './refreshTokens';
import { tokenReply } from './tokenReply';
import { tokenForm } from './tokenRequest';

/** The middle tier exchanges its caller's access token for a Graph token of the same user. */
export function onBehalfOf(context: EmulatorContext, call: Call): Reply {
  const fields = tokenForm(call);
  checkTenant(call.params.tenant);
  const registration = findRegistration(fields.get('client_id'));
  const clientAuthentication = authenticateClient(context, call, fields, registration);
  if (fields.get('requested_token_use') !== 'on_behalf_of') {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900144,
      message: "The request body must contain the following parameter: 'requested_token_use'.",
    });
  }
  const claims = checkAssertion(context, fields.get('assertion'), registration);
  const scopes = parseScopes(fields.get('scope'), registration, context.url);
  const user = context.directory.users.find(String(claims.oid)) ?? userNotFound(String(claims.oid));
  singleResource(scopes);
  if (context.switches.consentRequiredFor.has(user.objectId)) consentMissing(registration);
  checkConsent(context, registration, user, scopes);
  checkStepUp(context, user.objectId, claims);
  const grant = context.tokenFactory.grant({
    url: context.names.issuerOrigin(call),
    user,
    clientId: registration.clientId,
    clientAuthentication,
  });
  const refreshToken = sealRefreshToken(context, {
    userObjectId: user.objectId,
    clientId: registration.clientId,
    singlePage: false,
    expiresAt: refreshTokenExpiry(context, false),
    scope: fields.get('scope') ?? '',
  });
  return tokenReply(context, { grant, scopes, clientInfo: fields.get('client_info') === '1', refreshToken });
}

function checkAssertion(
  context: EmulatorContext,
  assertion: string | null,
  registration: Registration,
): Claims {
  if (!assertion) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900144,
      message: "The request body must contain the following parameter: 'assertion'.",
    });
  }
  const result = context.keys.verify(assertion);
  if (result.failure !== undefined) rejectSignature(result.failure, assertion);
  const { claims } = result;
  if (claims.iss !== v1Issuer && !context.names.issuers().includes(String(claims.iss)))
    rejectSignature('signature', assertion);
  const audiences = [
    registration.clientId,
    ...(registration.clientId === authServer.clientId ? [authServer.appIdUri] : []),
  ];
  if (typeof claims.aud !== 'string' || !audiences.includes(claims.aud))
    rejectAudience(claims.aud, registration);
  checkLifetime(context, claims);
  // An app-only token has roles but no user. Entra's response is not recorded; this is the closest of its texts.
  if (claims.idtyp === 'app' || Array.isArray(claims.roles)) {
    fail({
      status: 400,
      error: 'invalid_grant',
      code: 7000114,
      message: `Application '${registration.clientId}' is not allowed to make application on-behalf-of calls.`,
    });
  }
  if (typeof claims.scp !== 'string') {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 240002,
      message: "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
    });
  }
  return claims;
}

function rejectSignature(failure: NonNullable<VerificationResult['failure']>, assertion: string): never {
  if (failure === 'malformed') {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 50027,
      message: 'JWT token is invalid or malformed.',
    });
  }
  const kid = decodeJwt(assertion)?.header.kid;
  const thumbprint = Buffer.from(typeof kid === 'string' ? kid : '', 'base64url').toString('hex');
  const reason =
    failure === 'signature'
      ? 'Key was found, but use of the key to verify the signature failed.'
      : 'The key was not found.';
  fail({
    status: 400,
    error: 'invalid_grant',
    code: 50013,
    message: `Assertion failed signature validation. [Reason - ${reason}, Thumbprint of key used by client: '${thumbprint.toUpperCase()}']`,
  });
}

function rejectAudience(audience: unknown, registration: Registration): never {
  fail({
    status: 400,
    error: 'invalid_grant',
    code: 500131,
    message:
      'Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was ' +
      `'${String(audience)}' and the expected audience is '${registration.clientId}' or one of the Application Uris ` +
      `of this application with App ID '${registration.clientId}'(${registration.name}). The downstream client must ` +
      'request a token for the expected audience (the application which made the OBO request) and this application ' +
      'should use that token as the assertion.',
  });
}

function checkLifetime(context: EmulatorContext, claims: Claims): void {
  const now = inSeconds(context.clock());
  const { exp, nbf } = claims;
  if (typeof exp === 'number' && exp > now && (typeof nbf !== 'number' || nbf <= now + 300)) return;
  fail({
    status: 400,
    error: 'invalid_grant',
    code: 500133,
    message:
      'Assertion is not within its valid time range. Ensure that the access token is not expired before using it for ' +
      `user assertion, or request a new token. Current time: ${messageTime(now)}, expiry time of assertion ` +
      `${messageTime(exp)}.`,
  });
}

function checkStepUp(context: EmulatorContext, userObjectId: string, claims: Claims): void {
  const { requireMfaFor, mfaError } = context.switches;
  if (!requireMfaFor.has(userObjectId)) return;
  if (Array.isArray(claims.acrs) && claims.acrs.includes(stepUpClaims.value)) return;
  const reason =
    'Due to a configuration change made by your administrator, or because you moved to a new location,';
  fail({
    status: 400,
    error: 'interaction_required',
    suberror: 'basic_action',
    code: mfaError,
    claims: stepUpClaims.json,
    message:
      mfaError === 50076
        ? `${reason} you must use multi-factor authentication to access '${graphAppId}'.`
        : `${reason} you must enroll in multi-factor authentication to access '${graphAppId}'.`,
  });
}

function userNotFound(objectId: string): never {
  fail({
    status: 400,
    error: 'invalid_grant',
    code: 50034,
    message: `The user account ${objectId} does not exist in the directory. To sign into this application, the account must be added to the directory.`,
  });
}
