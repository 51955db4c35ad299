import { type Clock, inSeconds } from '../clock';
import { signInPage } from '../entra/pages';
import { findPlatform } from '../entra/registrations';
import { openIdScopes } from '../entra/scopes';
import { sendBack, sendBackSignedOut } from '../entra/sendBack';
import { type Call, form, json, NotEmulated, type Reply } from '../http/exchange';
import { sessionIn, withoutSession, withSession } from '../http/sessionCookie';
import { authClient } from '../seed';
import { remember } from '../state/signIns';
import type { User, Users } from '../state/users';
import { encodePart, hash } from '../tokens/jwt';
import type { CustomerTenant } from './customerTenant';
import { b2cTokens, externalIdTokens } from './customerTokens';

const maxSignIns = 10_000;
const codeLifetimeInMs = 10 * 60_000;
/** Of a single-page app: renewals do not extend it. */
const refreshTokenLifetimeInMs = 24 * 3600_000;

/** What a code or a refresh token was issued for. */
interface Grant {
  readonly user: User;
  readonly scope: string;
  readonly nonce: string | undefined;
  /** Of Azure AD B2C: valid at this policy only. */
  readonly policy: string | undefined;
  /** When its refresh token expires. */
  readonly expiresAt: number;
  /** Absent in a refresh token. */
  readonly code?: {
    readonly redirectUri: string;
    readonly challenge: string;
    readonly expiresAt: number;
  };
}

/**
 * Sign-in of single-page apps at a tenant for customers: authorization code with PKCE, and refresh tokens. A browser
 * has one session at the tenant, for all policies.
 */
export class CustomerSignIn {
  readonly #tenant: CustomerTenant;
  readonly #users: Users;
  readonly #clock: Clock;
  readonly #title: string;
  readonly #grants = new Map<string, Grant>();
  readonly #sessions = new Map<string, User>();
  readonly #cookie: string;

  constructor(tenant: CustomerTenant, { users, clock }: { users: Users; clock: Clock }, title: string) {
    this.#tenant = tenant;
    this.#users = users;
    this.#clock = clock;
    this.#title = title;
    this.#cookie = `emulator_session_${tenant.tenantId}`;
  }

  reset(): void {
    this.#grants.clear();
    this.#sessions.clear();
  }

  authorize(call: Call, policy?: string): Reply {
    const { query } = call;
    const problem = this.#problemOf(query);
    if (problem) return refuse('invalid_request', problem);
    const scopeProblem = this.#scopeProblem(query.get('scope') ?? '');
    if (scopeProblem !== undefined) {
      return sendBack(returnAddressIn(query), { error: 'invalid_request', error_description: scopeProblem });
    }
    const [prompt, hint] = [query.get('prompt'), query.get('login_hint')];
    const user = this.#sessions.get(sessionIn(call, this.#cookie) ?? '');
    const signedIn = user && (hint === null || this.#users.find(hint) === user);
    // As at Entra ID, no page if the browser is already signed in as the user that the client names.
    if (signedIn && (prompt === 'none' || (prompt === null && hint !== null))) {
      return this.#withCode(query, user, policy);
    }
    if (prompt === 'none') {
      return sendBack(returnAddressIn(query), {
        error: 'login_required',
        error_description: 'No user is signed in.',
      });
    }
    return signInPage({
      action: call.path.replace(/\/oauth2\/v2\.0\/authorize$/, '/login'),
      query: query.toString(),
      users: this.#users.all().slice(0, 20),
      application: `A single-page app (${this.#title})`,
      permissions: scopesOf(query.get('scope') ?? '').map((scope) => scope.slice(scope.lastIndexOf('/') + 1)),
      newPermissions: [],
      stepUp: false,
      consent: false,
    });
  }

  signIn(call: Call, policy?: string): Reply {
    const fields = form(call);
    const query = new URLSearchParams(fields.get('request') ?? '');
    const problem = this.#problemOf(query);
    const user = this.#users.find(fields.get('user') ?? '');
    if (problem || !user) return refuse('invalid_request', problem ?? 'The user does not exist.');
    const session = remember(this.#sessions, user, maxSignIns);
    return withSession(this.#withCode(query, user, policy), this.#cookie, session);
  }

  #withCode(query: URLSearchParams, user: User, policy: string | undefined): Reply {
    const code = this.#add({
      user,
      scope: query.get('scope') ?? '',
      nonce: query.get('nonce') ?? undefined,
      policy,
      expiresAt: this.#clock() + refreshTokenLifetimeInMs,
      code: {
        expiresAt: this.#clock() + codeLifetimeInMs,
        redirectUri: query.get('redirect_uri') ?? '',
        challenge: query.get('code_challenge') ?? '',
      },
    });
    return sendBack(returnAddressIn(query), { code, client_info: this.#clientInfo(user, policy) });
  }

  token(call: Call, policy?: string): Reply {
    const fields = form(call);
    const grantType = fields.get('grant_type');
    if (!grantType) {
      return refuse(
        'invalid_request',
        "The request body must contain the following parameter: 'grant_type'.",
      );
    }
    if (!['authorization_code', 'refresh_token'].includes(grantType)) {
      throw new NotEmulated(`grant_type=${grantType} of ${this.#title}`);
    }
    const key = fields.get('code') ?? fields.get('refresh_token') ?? '';
    const grant = this.#grants.get(key);
    const fits =
      grant !== undefined &&
      grant.policy === policy &&
      fields.get('client_id') === this.#tenant.clientId &&
      (grantType === 'authorization_code') === (grant.code !== undefined) &&
      this.#clock() < (grant.code ?? grant).expiresAt &&
      (grant.code === undefined ||
        (grant.code.redirectUri === fields.get('redirect_uri') &&
          grant.code.challenge === hash(fields.get('code_verifier') ?? '')));
    if (!fits) return refuse('invalid_grant', 'The code or refresh token is not valid for this request.');
    const scope = fields.get('scope') ?? grant.scope;
    const scopeProblem = this.#scopeProblem(scope);
    if (scopeProblem !== undefined) return refuse('invalid_request', scopeProblem);
    // A refresh token, unlike a code, is not used up: several tabs may have it.
    if (grant.code) this.#grants.delete(key);
    const { user, nonce, expiresAt } = grant;
    const scopes = scopesOf(scope);
    const requested = { user, scopes, nonce };
    return json(
      200,
      {
        token_type: 'Bearer',
        scope,
        ...(policy === undefined
          ? externalIdTokens(this.#tenant, requested)
          : b2cTokens(this.#tenant, requested, policy)),
        ...(scopes.includes('offline_access')
          ? {
              refresh_token: this.#add({ user, scope: grant.scope, nonce, policy, expiresAt }),
              refresh_token_expires_in: inSeconds(expiresAt - this.#clock()),
            }
          : {}),
        client_info: this.#clientInfo(user, policy),
      },
      { 'cache-control': 'no-store' },
    );
  }

  logout(call: Call): Reply {
    this.#sessions.delete(sessionIn(call, this.#cookie) ?? '');
    const target = call.query.get('post_logout_redirect_uri');
    return target !== null && isRegistered(target)
      ? withoutSession(sendBackSignedOut(target, call.query.get('state')), this.#cookie)
      : refuse('invalid_request', 'The post-logout redirect URI is not registered.');
  }

  #problemOf(query: URLSearchParams): string | undefined {
    if (query.get('client_id') !== this.#tenant.clientId) return 'The client ID is not known.';
    if (!isRegistered(query.get('redirect_uri') ?? '')) return 'The redirect URI is not registered.';
    return (
      this.#onlyValue(query, 'response_type', 'code') ??
      this.#onlyValue(query, 'code_challenge_method', 'S256')
    );
  }

  /** The tenants support other values of the parameter, too. */
  #onlyValue(query: URLSearchParams, name: string, emulated: string): string | undefined {
    const value = query.get(name);
    if (!value) return `The request must contain the parameter ${name}.`;
    if (value !== emulated) throw new NotEmulated(`${name}=${value} of ${this.#title}`);
    return undefined;
  }

  #scopeProblem(scope: string): string | undefined {
    const { apiIdentifiers } = this.#tenant;
    if (!scope.trim()) return 'The request does not contain a scope parameter.';
    const ofApi = apiIdentifiers.flatMap((id) => [`${id}/access_as_user`, `${id}/.default`]);
    const unknown = scopesOf(scope).find((name) => !openIdScopes.includes(name) && !ofApi.includes(name));
    return unknown && `The scope '${unknown}' provided in the request is not supported.`;
  }

  #add(grant: Grant): string {
    return remember(this.#grants, grant, maxSignIns);
  }

  /** In Azure AD B2C, a user has an account for each policy. */
  #clientInfo({ objectId }: User, policy: string | undefined): string {
    const uid = policy === undefined ? objectId : `${objectId}-${policy.toLowerCase()}`;
    return encodePart({ uid, utid: this.#tenant.tenantId });
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

function scopesOf(scope: string): string[] {
  return scope.split(/\s+/).filter(Boolean);
}

/** An unknown response mode is treated as the default. */
function returnAddressIn(query: URLSearchParams): Parameters<typeof sendBack>[0] {
  const mode = query.get('response_mode');
  return {
    redirectUri: query.get('redirect_uri') ?? '',
    responseMode: mode === 'form_post' || mode === 'fragment' ? mode : 'query',
    state: query.get('state'),
  };
}

function refuse(error: string, description: string): Reply {
  return json(400, { error, error_description: description }, { 'cache-control': 'no-store' });
}
