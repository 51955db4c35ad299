import { type Call, json, noContent, type Reply } from '../http/exchange';
import { type World } from '../world';
import { type ApiVersion } from './apiVersion';
import { AcsError, invalid } from './errors';
import { checkedMinutes, checkedScopes, issueToken, parseBody } from './tokens';

export function createIdentity(world: World, call: Call, version: ApiVersion): Reply {
  const body = parseBody(call.body);
  const { createTokenWithScopes } = body;
  const scopes =
    createTokenWithScopes === undefined || createTokenWithScopes === null
      ? []
      : checkedScopes('CreateTokenWithScopes', createTokenWithScopes, version);
  const minutes = checkedMinutes(body.expiresInMinutes, version);
  const id = world.directory.identities.create(world.clock());
  return json(201, {
    identity: { id },
    ...(scopes.length > 0 ? { accessToken: issueToken(world, id, scopes, minutes) } : {}),
  });
}

export function issueAccessToken(world: World, call: Call, version: ApiVersion): Reply {
  const id = ownedIdentity(world, call);
  const body = parseBody(call.body);
  const scopes = checkedScopes('Scopes', body.scopes, version);
  if (scopes.length === 0) throw invalid('scopes', 'Invalid scopes - Scopes field is required.');
  const minutes = checkedMinutes(body.expiresInMinutes, version);
  if (!world.directory.identities.has(id)) throw gone(world);
  return json(200, issueToken(world, id, scopes, minutes));
}

export function revokeAccessTokens(world: World, call: Call): Reply {
  const id = ownedIdentity(world, call);
  if (!world.directory.identities.has(id)) throw gone(world);
  return noContent();
}

export function deleteIdentity(world: World, call: Call): Reply {
  const id = ownedIdentity(world, call);
  const existed = world.directory.identities.delete(id);
  if (!existed && world.switches.deleteOfDeletedIdentityStatus === 404) throw gone(world, 404);
  return noContent();
}

function ownedIdentity(world: World, call: Call): string {
  const id = call.params.id ?? '';
  if (world.directory.identities.isOfThisResource(id)) return id;
  throw new AcsError(401, 'IdentityNotOwned', "Provided identity doesn't belong to the resource.");
}

function gone(world: World, status = world.switches.deletedIdentity.status): AcsError {
  const { code, message } = world.switches.deletedIdentity;
  return new AcsError(status, code, message);
}
