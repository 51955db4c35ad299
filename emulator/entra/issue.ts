import { inSeconds } from '../clock';
import { type EmulatorContext } from '../context';
import { type Reply } from '../http/exchange';
import { type User } from '../state/users';
import { type ClientAuthentication } from './clientAuthentication';
import { checkConsent } from './consent';
import { fail } from './errors';
import { type RefreshGrant, sealRefreshToken } from './refreshTokens';
import { type Registration } from './registrations';
import { type RequestedScopes } from './scopes';
import { tokenReply } from './tokenReply';

/** The tokens of a user who has signed in, with a refresh token for more of them. */
export function issue(
  context: EmulatorContext,
  fields: URLSearchParams,
  registration: Registration,
  parts: {
    refresh: RefreshGrant;
    scopes: RequestedScopes;
    clientAuthentication: ClientAuthentication;
    issuerOrigin: string;
    nonce?: string | undefined;
  },
): Reply {
  const { refresh, scopes, clientAuthentication, nonce } = parts;
  const user = context.directory.users.find(refresh.userObjectId) ?? userGone();
  checkConsent(context, registration, user, scopes);
  return tokenReply(context, {
    grant: context.tokenFactory.grant({
      url: parts.issuerOrigin,
      user,
      clientId: registration.clientId,
      clientAuthentication,
      satisfied: refresh.satisfied,
    }),
    scopes,
    nonce,
    clientInfo: fields.get('client_info') === '1',
    refreshToken: sealRefreshToken(context, refresh),
    refreshTokenExpiresIn: refresh.singlePage ? inSeconds(refresh.expiresAt - context.clock()) : undefined,
  });
}

function userGone(): User {
  fail({
    status: 400,
    error: 'invalid_grant',
    code: 50034,
    message: 'The user account does not exist in the directory.',
  });
}
