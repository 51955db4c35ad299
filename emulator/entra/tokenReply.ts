import { randomUUID } from 'node:crypto';
import { json, type Reply } from '../http/exchange';
import { tenantId } from '../seed';
import { type Grant, idTokenClaims, teamsClaims } from '../tokens/claims';
import { encodePart } from '../tokens/jwt';
import { idTokenLifetimeInSeconds } from '../tokens/tokenFactory';
import { type EmulatorContext } from '../context';
import { noStore } from './errors';
import { type ResourceName } from './resources';
import { type RequestedPermission, type RequestedScopes, singleResource } from './scopes';

export interface TokenReplyParts {
  grant: Grant;
  scopes: RequestedScopes;
  nonce?: string | undefined;
  /** MSAL requests it: it identifies the account of the tokens. */
  clientInfo: boolean;
  refreshToken?: string | undefined;
  /** Set for a single-page app, whose refresh tokens are valid for a day. */
  refreshTokenExpiresIn?: number | undefined;
}

/**
 * The successful response of the token endpoint. The token has every consented permission of its resource, even if fewer were requested. The
 * response lists them too, the requested ones as written in the request: MSAL's cache depends on it.
 */
export function tokenReply(context: EmulatorContext, parts: TokenReplyParts): Reply {
  const [resource, requested] = singleResource(parts.scopes) ?? ['graph', []];
  const { user, clientId } = parts.grant;
  const names = context.directory.applications.consented(clientId, resource, user.objectId);
  const { openId } = parts.scopes;
  const signIn = openId.filter((scope) => scope !== 'offline_access');
  // The scopes of OpenID Connect are permissions on Graph, whose UserInfo requires them.
  const scopes = [...(resource === 'graph' ? signIn : []), ...names].join(' ');
  const grant = { ...parts.grant, scopes };
  const echoed = [...signIn, ...granted(requested, names)];
  const account = { uid: grant.user.objectId, utid: tenantId };
  return json(
    200,
    {
      token_type: 'Bearer',
      scope: echoed.join(' '),
      expires_in: grant.lifetimeInSeconds,
      ext_expires_in: grant.lifetimeInSeconds,
      access_token: accessToken(context, grant, resource),
      ...(openId.includes('offline_access') ? { refresh_token: parts.refreshToken } : {}),
      ...(parts.refreshTokenExpiresIn === undefined
        ? {}
        : { refresh_token_expires_in: parts.refreshTokenExpiresIn }),
      ...(openId.includes('openid') ? { id_token: idToken(context, grant, parts.nonce, openId) } : {}),
      ...(parts.clientInfo ? { client_info: encodePart(account) } : {}),
    },
    { ...noStore, 'x-ms-request-id': randomUUID() },
  );
}

/** The requested permissions as written, then the others in the same form. */
function granted(requested: RequestedPermission[], names: string[]): string[] {
  const [first] = requested;
  const prefix = first?.requested.slice(0, first.requested.lastIndexOf('/') + 1) ?? '';
  const others = names.filter((name) => !requested.some(({ permission }) => permission === name));
  return [...requested.map((candidate) => candidate.requested), ...others.map((name) => `${prefix}${name}`)];
}

function accessToken(context: EmulatorContext, grant: Grant, resource: ResourceName): string {
  const { tokenFactory, switches } = context;
  if (resource === 'graph') return tokenFactory.mintForGraph(grant);
  if (resource === 'teams') return tokenFactory.mint(grant, teamsClaims(grant), {}, 1);
  const version = switches.accessTokenVersion;
  return tokenFactory.mint(grant, tokenFactory.apiClaims(grant, version), {}, version);
}

function idToken(
  context: EmulatorContext,
  grant: Grant,
  nonce: string | undefined,
  openId: string[],
): string {
  const lifetimeInSeconds = idTokenLifetimeInSeconds;
  const claims = idTokenClaims({ ...grant, lifetimeInSeconds }, nonce, openId);
  return context.switches.cheapSignatures
    ? context.tokenFactory.mintUnverifiable(claims)
    : context.tokenFactory.mint(grant, claims, {}, 2);
}
