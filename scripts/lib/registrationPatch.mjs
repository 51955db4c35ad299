/**
 * Compares an app registration (on standard input, as `az ad app show` prints it) with what it should have, and prints
 * its object id and the body of the PATCH that adds what is missing; nothing if nothing is. What is there already stays:
 * redirect URIs and permissions that somebody added by hand are kept.
 *
 * usage: node registrationPatch.mjs server permission=<app id>:<scope id>
 *        node registrationPatch.mjs client permission=<app id>:<scope id>... spa=<uri>... web=<uri>... public=<uri>...
 *        node registrationPatch.mjs link client=<app id>:<scope id>
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const wishes = {
  /** The API: its address, its scope, v2 access tokens, and what it asks of Microsoft Graph. */
  server(app, wish) {
    const scopes = app.api?.oauth2PermissionScopes ?? [];
    return {
      identifierUris: union(app.identifierUris, [`api://${app.appId}`]),
      api: {
        requestedAccessTokenVersion: 2,
        oauth2PermissionScopes: scopes.some(({ value }) => value === accessAsUser.value)
          ? scopes
          : [...scopes, { id: randomUUID(), ...accessAsUser }],
      },
      requiredResourceAccess: withPermissions(app.requiredResourceAccess, wish('permission')),
    };
  },

  /** What the API knows of its client: needs the scope to exist, so it is a step of its own. */
  link(app, wish) {
    const [clientAppId, scopeId] = wish('client')[0].split(':');
    const others = (app.api?.preAuthorizedApplications ?? []).filter(({ appId }) => appId !== clientAppId);
    const before = (app.api?.preAuthorizedApplications ?? []).find(({ appId }) => appId === clientAppId);
    const delegatedPermissionIds = union(before?.delegatedPermissionIds, [scopeId]);
    return {
      api: {
        knownClientApplications: union(app.api?.knownClientApplications, [clientAppId]),
        preAuthorizedApplications: [...others, { appId: clientAppId, delegatedPermissionIds }],
      },
    };
  },

  /** The client: where it may be redirected to, and which permissions it asks for. */
  client(app, wish) {
    return {
      spa: { redirectUris: union(app.spa?.redirectUris, wish('spa')) },
      web: { redirectUris: union(app.web?.redirectUris, wish('web')) },
      publicClient: { redirectUris: union(app.publicClient?.redirectUris, wish('public')) },
      requiredResourceAccess: withPermissions(app.requiredResourceAccess, wish('permission')),
    };
  },
};

const accessAsUser = {
  value: 'access_as_user',
  type: 'User',
  isEnabled: true,
  adminConsentDisplayName: 'Access the communication service as the signed-in user',
  adminConsentDescription:
    'Lets the app get communication tokens for the signed-in user, and create and delete their communication identity.',
  userConsentDisplayName: 'Access the communication service as you',
  userConsentDescription:
    'Lets the app get communication tokens for you, and create and delete your communication identity.',
};

function union(before, wished) {
  const known = before ?? [];
  return [...known, ...wished.filter((each) => !known.includes(each))];
}

function withPermissions(access, permissions) {
  const resources = new Map((access ?? []).map((resource) => [resource.resourceAppId, resource]));
  for (const permission of permissions) {
    const [resourceAppId, id] = permission.split(':');
    const before = resources.get(resourceAppId)?.resourceAccess ?? [];
    if (before.some((each) => each.id === id)) continue;
    resources.set(resourceAppId, { resourceAppId, resourceAccess: [...before, { id, type: 'Scope' }] });
  }
  return [...resources.values()];
}

/** The parts of `wished` that `actual` does not have; undefined if it has them all. Lists are compared as sets. */
function difference(actual, wished) {
  if (Array.isArray(wished)) return sameSet(actual ?? [], wished) ? undefined : wished;
  if (typeof wished !== 'object') return actual === wished ? undefined : wished;
  const parts = Object.entries(wished)
    .map(([name, value]) => [name, difference(actual?.[name], value)])
    .filter(([, value]) => value !== undefined);
  return parts.length > 0 ? Object.fromEntries(parts) : undefined;
}

function sameSet(a, b) {
  const sorted = (list) => JSON.stringify(list.map((each) => JSON.stringify(each)).sort());
  return sorted(a) === sorted(b);
}

const [kind, ...args] = process.argv.slice(2);
const valuesOf = (name) =>
  args.filter((arg) => arg.startsWith(`${name}=`)).map((arg) => arg.slice(name.length + 1));
const app = JSON.parse(readFileSync(0, 'utf8'));
const patch = difference(app, wishes[kind](app, valuesOf));
if (patch) process.stdout.write(`${app.id} ${JSON.stringify(patch)}`);
