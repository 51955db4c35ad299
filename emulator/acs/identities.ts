import { type Call, json, noContent, type Reply } from '../http/exchange';
import { type EmulatorContext } from '../context';
import { type Identity } from '../state/identities';
import { type ApiVersion, hasCustomId } from './apiVersion';
import { customIdOf, findOrCreate } from './customId';
import { AcsError, goneIdentity, invalid } from './errors';
import { checkedMinutes, checkedScopes, issueToken, parseBody, roundTrip } from './tokens';

export function createIdentity(context: EmulatorContext, call: Call, version: ApiVersion): Reply {
  const body = parseBody(call.body);
  const { createTokenWithScopes } = body;
  const scopes =
    createTokenWithScopes === undefined || createTokenWithScopes === null
      ? []
      : checkedScopes('CreateTokenWithScopes', createTokenWithScopes, version);
  const minutes = checkedMinutes(body.expiresInMinutes, version);
  const { identity, status } = findOrCreate(context, customIdOf(body, version));
  const accessToken = scopes.length > 0 ? { accessToken: issue(context, identity.id, scopes, minutes) } : {};
  return json(status, { identity: shown(identity, version), ...accessToken });
}

export function readIdentity(context: EmulatorContext, call: Call, version: ApiVersion): Reply {
  const identity = context.directory.identities.find(ownedIdentity(context, call));
  if (!identity) throw goneIdentity(context);
  return json(200, shown(identity, version));
}

export function issueAccessToken(context: EmulatorContext, call: Call, version: ApiVersion): Reply {
  const id = ownedIdentity(context, call);
  const body = parseBody(call.body);
  const scopes = checkedScopes('Scopes', body.scopes, version);
  if (scopes.length === 0) throw invalid('scopes', 'Invalid scopes - Scopes field is required.');
  const minutes = checkedMinutes(body.expiresInMinutes, version);
  if (!context.directory.identities.has(id)) throw goneIdentity(context);
  return json(200, issue(context, id, scopes, minutes));
}

export function revokeAccessTokens(context: EmulatorContext, call: Call): Reply {
  const id = ownedIdentity(context, call);
  if (!context.directory.identities.has(id)) throw goneIdentity(context);
  return noContent();
}

export function deleteIdentity(context: EmulatorContext, call: Call): Reply {
  const id = ownedIdentity(context, call);
  const existed = context.directory.identities.delete(id);
  if (!existed && context.switches.deleteOfDeletedIdentityStatus === 404) throw goneIdentity(context, 404);
  return noContent();
}

function issue(context: EmulatorContext, id: string, scopes: string[], minutes: number) {
  context.directory.identities.tokenIssued(id, context.clock());
  return issueToken(context, id, scopes, minutes);
}

/** Stable versions return the id only. */
function shown({ id, customId, lastTokenIssuedAt }: Identity, version: ApiVersion): Record<string, string> {
  if (!hasCustomId(version)) return { id };
  return {
    id,
    ...(customId === undefined ? {} : { customId }),
    ...(lastTokenIssuedAt === undefined ? {} : { lastTokenIssuedAt: roundTrip(lastTokenIssuedAt) }),
  };
}

function ownedIdentity(context: EmulatorContext, call: Call): string {
  const id = call.params.id ?? '';
  if (context.directory.identities.isOfThisResource(id)) return id;
  throw new AcsError(401, 'IdentityNotOwned', "Provided identity doesn't belong to the resource.");
}
