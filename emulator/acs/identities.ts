import { type Call, json, noContent, type Reply } from '../http/exchange';
import { type EmulatorContext } from '../context';
import { type ApiVersion } from './apiVersion';
import { AcsError, invalid } from './errors';
import { checkedMinutes, checkedScopes, issueToken, parseBody } from './tokens';

export function createIdentity(context: EmulatorContext, call: Call, version: ApiVersion): Reply {
  const body = parseBody(call.body);
  const { createTokenWithScopes } = body;
  const scopes =
    createTokenWithScopes === undefined || createTokenWithScopes === null
      ? []
      : checkedScopes('CreateTokenWithScopes', createTokenWithScopes, version);
  const minutes = checkedMinutes(body.expiresInMinutes, version);
  const id = context.directory.identities.create(context.clock());
  return json(201, {
    identity: { id },
    ...(scopes.length > 0 ? { accessToken: issueToken(context, id, scopes, minutes) } : {}),
  });
}

export function issueAccessToken(context: EmulatorContext, call: Call, version: ApiVersion): Reply {
  const id = ownedIdentity(context, call);
  const body = parseBody(call.body);
  const scopes = checkedScopes('Scopes', body.scopes, version);
  if (scopes.length === 0) throw invalid('scopes', 'Invalid scopes - Scopes field is required.');
  const minutes = checkedMinutes(body.expiresInMinutes, version);
  if (!context.directory.identities.has(id)) throw gone(context);
  return json(200, issueToken(context, id, scopes, minutes));
}

export function revokeAccessTokens(context: EmulatorContext, call: Call): Reply {
  const id = ownedIdentity(context, call);
  if (!context.directory.identities.has(id)) throw gone(context);
  return noContent();
}

export function deleteIdentity(context: EmulatorContext, call: Call): Reply {
  const id = ownedIdentity(context, call);
  const existed = context.directory.identities.delete(id);
  if (!existed && context.switches.deleteOfDeletedIdentityStatus === 404) throw gone(context, 404);
  return noContent();
}

function ownedIdentity(context: EmulatorContext, call: Call): string {
  const id = call.params.id ?? '';
  if (context.directory.identities.isOfThisResource(id)) return id;
  throw new AcsError(401, 'IdentityNotOwned', "Provided identity doesn't belong to the resource.");
}

function gone(context: EmulatorContext, status = context.switches.deletedIdentity.status): AcsError {
  const { code, message } = context.switches.deletedIdentity;
  return new AcsError(status, code, message);
}
