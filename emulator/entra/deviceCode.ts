import { type EmulatorContext } from '../context';
import { inSeconds } from '../clock';
import { type Call, form, json, type Reply } from '../http/exchange';
import { type DeviceGrant } from '../state/deviceCodes';
import { authenticateClient, authenticatePublicClient } from './clientAuthentication';
import { fail, noStore } from './errors';
import { issue } from './issue';
import { refreshTokenExpiry } from './refreshTokens';
import { checkTenant, findRegistration } from './registrations';
import { parseScopes } from './scopes';
import { required, tokenForm } from './tokenRequest';

/** A device without a browser requests a code that its user enters on another device (RFC 8628). */
export function startDeviceFlow(context: EmulatorContext, call: Call): Reply {
  const fields = form(call);
  checkTenant(call.params.tenant, true);
  const registration = findRegistration(fields.get('client_id'));
  parseScopes(fields.get('scope'), registration, context.url);
  const now = context.clock();
  const grant = context.directory.deviceCodes.start(registration.clientId, fields.get('scope') ?? '', now);
  const page = `${context.names.authority(call)}/common/oauth2/deviceauth`;
  return json(
    200,
    {
      user_code: grant.userCode,
      device_code: grant.deviceCode,
      verification_uri: page,
      expires_in: inSeconds(grant.expiresAt - now),
      interval: inSeconds(grant.intervalInMs),
      message: `To sign in, use a web browser to open the page ${page} and enter the code ${grant.userCode} to authenticate.`,
    },
    noStore,
  );
}

/** The device polls whether its user has signed in. */
export function redeemDeviceCode(context: EmulatorContext, call: Call): Reply {
  const fields = tokenForm(call);
  checkTenant(call.params.tenant, true);
  const registration = findRegistration(fields.get('client_id'));
  const grant = context.directory.deviceCodes.find(required(fields, 'device_code'));
  if (grant?.clientId !== registration.clientId) {
    refuse('bad_verification_code', 70019, 'Verification code expired or is not known.');
  }
  // The registration says whether a client without a credential is allowed.
  const authenticate = registration.publicClient ? authenticatePublicClient : authenticateClient;
  const clientAuthentication = authenticate(context, call, fields, registration);
  checkState(context, grant);
  const userObjectId = grant.userObjectId ?? '';
  const reply = issue(context, fields, registration, {
    refresh: {
      userObjectId,
      clientId: grant.clientId,
      singlePage: false,
      publicClient: clientAuthentication === '0',
      scope: grant.scope,
      expiresAt: refreshTokenExpiry(context, false),
    },
    scopes: parseScopes(grant.scope, registration, context.url),
    clientAuthentication,
    issuerOrigin: context.names.issuerOrigin(call),
  });
  grant.state = 'redeemed';
  return reply;
}

function checkState(context: EmulatorContext, grant: DeviceGrant): void {
  const now = context.clock();
  if (grant.state === 'redeemed') {
    refuse('invalid_grant', 54005, 'OAuth2 Authorization code was already redeemed.');
  }
  if (grant.state === 'declined') {
    refuse('authorization_declined', 70017, 'The user declined the authorization request.');
  }
  if (grant.expiresAt <= now) {
    refuse(
      'expired_token',
      70020,
      'The provided value for the input parameter device_code is not valid: it expired.',
    );
  }
  const tooSoon = now - grant.lastPollAt < grant.intervalInMs;
  grant.lastPollAt = now;
  if (grant.state === 'approved') return;
  if (tooSoon) {
    grant.intervalInMs += 5_000;
    refuse('slow_down', 70016, 'The device asks too often.');
  }
  refuse(
    'authorization_pending',
    70016,
    'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
  );
}

function refuse(error: string, code: number, message: string): never {
  fail({ status: 400, error, code, message });
}
