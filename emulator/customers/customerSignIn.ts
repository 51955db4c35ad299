import { randomBytes } from 'node:crypto';
import { signInPage } from '../entra/pages';
import { findPlatform } from '../entra/registrations';
import { type Call, form, json, redirect, type Reply } from '../http/exchange';
import { authClient } from '../seed';
import type { User, Users } from '../state/users';
import { encodePart, hash } from '../tokens/jwt';
import type { CustomerTenant } from './customerTenant';

/** What a code or a refresh token was issued for. */
interface Grant {
  readonly user: User;
  readonly scope: string;
  readonly nonce: string | undefined;
  /** Absent in a refresh token. */
  readonly code?: { readonly redirectUri: string; readonly challenge: string };
}

/**
 * Sign-in of single-page apps at a tenant for customers: authorization code with PKCE, and refresh tokens. There is no session: each
 * sign-in shows the page, and prompt=none is refused.
 */
export class CustomerSignIn {
  readonly #tenant: CustomerTenant;
  readonly #users: Users;
  readonly #title: string;
  readonly #grants = new Map<string, Grant>();

  constructor(tenant: CustomerTenant, users: Users, title: string) {
    this.#tenant = tenant;
    this.#users = users;
    this.#title = title;
  }

  authorize(call: Call): Reply {
    const { query } = call;
    const problem = this.#problemOf(query);
    if (problem) return refuse('invalid_request', problem);
    if (query.get('prompt') === 'none') {
      return sendBack(query, { error: 'login_required', error_description: 'No user is signed in.' });
    }
    return signInPage({
      action: call.path.replace(/\/oauth2\/v2\.0\/authorize$/, '/login'),
      query: query.toString(),
      users: this.#users.all().slice(0, 20),
      application: `A single-page app (${this.#title})`,
      permissions: scopesOf(query).map((scope) => scope.slice(scope.lastIndexOf('/') + 1)),
      newPermissions: [],
      stepUp: false,
      consent: false,
    });
  }

  signIn(call: Call): Reply {
    const fields = form(call);
    const query = new URLSearchParams(fields.get('request') ?? '');
    const problem = this.#problemOf(query);
    const user = this.#users.find(fields.get('user') ?? '');
    if (problem || !user) return refuse('invalid_request', problem ?? 'The user does not exist.');
    const code = this.#add({
      user,
      scope: query.get('scope') ?? '',
      nonce: query.get('nonce') ?? undefined,
      code: {
        redirectUri: query.get('redirect_uri') ?? '',
        challenge: query.get('code_challenge') ?? '',
      },
    });
    return sendBack(query, { code, client_info: this.#clientInfo(user) });
  }

  token(call: Call): Reply {
    const fields = form(call);
    const key = fields.get('code') ?? fields.get('refresh_token') ?? '';
    const grant = this.#grants.get(key);
    // A code and a refresh token of a single-page app are each good for one request.
    this.#grants.delete(key);
    const fits =
      grant !== undefined &&
      fields.get('client_id') === this.#tenant.clientId &&
      (fields.get('grant_type') === 'authorization_code') === (grant.code !== undefined) &&
      (grant.code === undefined ||
        (grant.code.redirectUri === fields.get('redirect_uri') &&
          grant.code.challenge === hash(fields.get('code_verifier') ?? '')));
    if (!fits) return refuse('invalid_grant', 'The code or refresh token is not valid for this request.');
    const { user, scope, nonce } = grant;
    return json(
      200,
      {
        token_type: 'Bearer',
        scope,
        expires_in: this.#tenant.accessTokenLifetimeInSeconds,
        access_token: this.#tenant.accessToken({ user }),
        id_token: this.#tenant.idToken({ user, claims: { nonce } }),
        refresh_token: this.#add({ user, scope, nonce }),
        client_info: this.#clientInfo(user),
      },
      { 'cache-control': 'no-store' },
    );
  }

  logout({ query }: Call): Reply {
    const target = query.get('post_logout_redirect_uri');
    return target !== null && isRegistered(target)
      ? redirect(target)
      : refuse('invalid_request', 'The post-logout redirect URI is not registered.');
  }

  #problemOf(query: URLSearchParams): string | undefined {
    if (query.get('client_id') !== this.#tenant.clientId) return 'The client ID is not known.';
    if (!isRegistered(query.get('redirect_uri') ?? '')) return 'The redirect URI is not registered.';
    if (query.get('response_type') !== 'code') return 'Only response_type=code is emulated.';
    return query.get('code_challenge_method') === 'S256' ? undefined : 'PKCE with S256 is required.';
  }

  #add(grant: Grant): string {
    const key = randomBytes(32).toString('base64url');
    this.#grants.set(key, grant);
    return key;
  }

  #clientInfo({ objectId }: User): string {
    return encodePart({ uid: objectId, utid: this.#tenant.tenantId });
  }
}

/** The redirect URIs of single-page apps are those of AuthClient. */
function isRegistered(uri: string): boolean {
  const { name, servicePrincipalId, permissions, spaRedirectUris, clientId } = authClient;
  const registration = { name, servicePrincipalId, permissions, spaRedirectUris, clientId };
  return (
    findPlatform(
      { ...registration, webRedirectUris: [], nativeRedirectUris: [], publicClient: true },
      uri,
      true,
    ) === 'spa'
  );
}

function scopesOf(query: URLSearchParams): string[] {
  return (query.get('scope') ?? '').split(/\s+/).filter(Boolean);
}

function sendBack(query: URLSearchParams, response: Record<string, string>): Reply {
  const fields = new URLSearchParams(response);
  const state = query.get('state');
  if (state !== null) fields.set('state', state);
  const separator = query.get('response_mode') === 'query' ? '?' : '#';
  return redirect(`${query.get('redirect_uri') ?? ''}${separator}${fields.toString()}`);
}

function refuse(error: string, description: string): Reply {
  return json(400, { error, error_description: description }, { 'cache-control': 'no-store' });
}
