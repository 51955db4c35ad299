import { NotEmulated } from '../http/exchange';
import { hash } from '../tokens/jwt';
import { type EmulatorContext } from '../context';
import { type Platform } from '../state/signIns';
import { fail } from './errors';
import { findRegistration, findPlatform, type Registration } from './registrations';
import { checkResource, parseScopes, type RequestedScopes } from './scopes';
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
  const requested = query.get('response_mode') ?? (requestsToken(query) ? 'fragment' : 'query');
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
  checkResponseType(query);
  const scopes = parseScopes(query.get('scope'), address.registration, context.url);
  checkResource(query, scopes, context.url);
  const codeChallenge = proofKeyHash(query);
  if (codeChallenge === undefined && address.platform === 'spa') {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 9002325,
      message: 'Proof Key for Code Exchange is required for cross-origin authorization code redemption.',
    });
  }
  return {
    ...address,
    scope: query.get('scope') ?? '',
    scopes,
    nonce: query.get('nonce') ?? undefined,
    codeChallenge,
    prompt: promptOf(query),
    loginHint: query.get('login_hint'),
    requestedStepUp: requestedStepUp(query.get('claims')),
    clientInfo: query.get('client_info') === '1',
  };
}

/** `create` is for tenants with self-service sign-up. Entra takes one value only, unlike OpenID Connect. */
const prompts = ['login', 'none', 'consent', 'select_account', 'create'];

function promptOf(query: URLSearchParams): string | null {
  const prompt = query.get('prompt');
  if (prompt === null || prompts.includes(prompt)) return prompt;
  fail({ status: 400, error: 'invalid_request', code: 90023, message: "Unsupported 'prompt' value." });
}

function requestsToken(query: URLSearchParams): boolean {
  return /\b(id_)?token\b/.test(query.get('response_type') ?? '');
}

/** No registration allows tokens from this endpoint (the implicit and hybrid flows), as is the default. */
function checkResponseType(query: URLSearchParams): void {
  const requested = query.get('response_type');
  if (requested === 'code') return;
  if (!requested) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900144,
      message: "The request body must contain the following parameter: 'response_type'.",
    });
  }
  if (!requestsToken(query)) throw new NotEmulated(`response_type=${requested}`);
  const [type, code] = requested.includes('id_token') ? ['id_token', 700054] : ['token', 700051];
  fail({
    status: 400,
    error: 'unsupported_response_type',
    code,
    message: `response_type '${type}' is not enabled for the application.`,
  });
}

/** The hash of the proof key (RFC 7636). A client without SHA-256 sends the key itself; this is the default. */
function proofKeyHash(query: URLSearchParams): string | undefined {
  const challenge = query.get('code_challenge');
  if (challenge === null) return undefined;
  const method = query.get('code_challenge_method') ?? 'plain';
  if (method === 'S256') return challenge;
  if (method === 'plain') return hash(challenge);
  throw new NotEmulated(`code_challenge_method=${method}`);
}
