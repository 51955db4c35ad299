import { NotEmulated } from '../http/exchange';
import { type EmulatorContext } from '../context';
import { type Platform } from '../state/signIns';
import { fail } from './errors';
import { findRegistration, findPlatform, type Registration } from './registrations';
import { parseScopes, type RequestedScopes } from './scopes';
import { requestedStepUp } from './stepUp';

/** Where the response to an authorization request goes, once client and address are verified. */
export interface ReturnAddress {
  registration: Registration;
  redirectUri: string;
  platform: Platform;
  responseMode: 'query' | 'fragment' | 'form_post';
  state: string | null;
}

export interface AuthorizationRequest extends ReturnAddress {
  scope: string;
  scopes: RequestedScopes;
  nonce: string | undefined;
  codeChallenge: string | undefined;
  prompt: string | null;
  loginHint: string | null;
  requestedStepUp: string[] | undefined;
  /** MSAL requests it: the response then says which account signed in. */
  clientInfo: boolean;
}

/** Throws if no response may be sent back: the client is unknown, or the address is not registered. */
export function parseReturnAddress(query: URLSearchParams): ReturnAddress {
  const registration = findRegistration(query.get('client_id'));
  const redirectUri = query.get('redirect_uri') ?? '';
  const platform = findPlatform(registration, redirectUri, query.has('code_challenge'));
  if (!platform) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 50011,
      message:
        `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for ` +
        `the application '${registration.clientId}'. Make sure the redirect URI sent in the request matches one added ` +
        'to your application in the Azure portal.',
    });
  }
  const requested = query.get('response_mode') ?? 'query';
  const responseMode = (['query', 'fragment', 'form_post'] as const).find((mode) => mode === requested);
  if (!responseMode) throw new NotEmulated(`response_mode=${requested}`);
  return { registration, redirectUri, platform, responseMode, state: query.get('state') };
}

/** Throws errors that are sent to the client's return address. */
export function parseRequest(
  context: EmulatorContext,
  query: URLSearchParams,
  address: ReturnAddress,
): AuthorizationRequest {
  const responseType = query.get('response_type');
  if (responseType !== 'code') throw new NotEmulated(`response_type=${responseType ?? ''}`);
  const scopes = parseScopes(query.get('scope'), address.registration, context.url);
  const codeChallenge = query.get('code_challenge') ?? undefined;
  if (codeChallenge === undefined && address.platform === 'spa') {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 9002325,
      message: 'Proof Key for Code Exchange is required for cross-origin authorization code redemption.',
    });
  }
  if (codeChallenge !== undefined && query.get('code_challenge_method') !== 'S256') {
    throw new NotEmulated(`code_challenge_method=${query.get('code_challenge_method') ?? ''}`);
  }
  return {
    ...address,
    scope: query.get('scope') ?? '',
    scopes,
    nonce: query.get('nonce') ?? undefined,
    codeChallenge,
    prompt: query.get('prompt'),
    loginHint: query.get('login_hint'),
    requestedStepUp: requestedStepUp(query.get('claims')),
    clientInfo: query.get('client_info') === '1',
  };
}
