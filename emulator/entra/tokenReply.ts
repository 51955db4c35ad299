import { randomUUID } from 'node:crypto';
import { json, type Reply } from '../http/exchange';
import { tenantId } from '../seed';
import { type Grant, idTokenClaims, teamsClaims } from '../tokens/claims';
import { encodePart } from '../tokens/jwt';
import { type EmulatorContext } from '../context';
import { noStore } from './errors';
import { type RequestedScopes, type ResourceName, singleResource } from './scopes';

export interface TokenReplyParts {
  grant: Grant;
  scopes: RequestedScopes;
  nonce?: string | undefined;
  /** MSAL asks for it: it says which account the tokens are of. */
  clientInfo: boolean;
  refreshToken?: string | undefined;
  /** Filled in for a single-page app, whose refresh tokens live for a day. */
  refreshTokenExpiresIn?: number | undefined;
}

/** The successful answer of the token endpoint. It echoes the scopes as they were asked: MSAL's cache depends on it. */
export function tokenReply(context: EmulatorContext, parts: TokenReplyParts): Reply {
  const [resource, requested] = singleResource(parts.scopes) ?? ['graph', []];
  const names = [...new Set(requested.flatMap(({ permissions }) => permissions))];
  const { openId } = parts.scopes;
  const grant = { ...parts.grant, scopes: (names.length > 0 ? names : openId).join(' ') };
  const echoed = [
    ...openId.filter((scope) => scope !== 'offline_access'),
    ...requested.map((candidate) => candidate.requested),
  ];
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
      ...(openId.includes('openid') ? { id_token: idToken(context, grant, parts.nonce) } : {}),
      ...(parts.clientInfo ? { client_info: encodePart(account) } : {}),
    },
    { ...noStore, 'x-ms-request-id': randomUUID() },
  );
}

function accessToken(context: EmulatorContext, grant: Grant, resource: ResourceName): string {
  const { forge, switches } = context;
  if (resource === 'graph') return forge.mintForGraph(grant);
  if (resource === 'teams') return forge.mint(grant, teamsClaims(grant), {}, 1);
  const version = switches.accessTokenVersion;
  return forge.mint(grant, forge.apiClaims(grant, version), {}, version);
}

function idToken(context: EmulatorContext, grant: Grant, nonce: string | undefined): string {
  const claims = idTokenClaims(grant, nonce);
  return context.switches.cheapSignatures
    ? context.forge.mintUnverifiable(claims)
    : context.forge.mint(grant, claims, {}, 2);
}
