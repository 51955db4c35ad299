/**
 * Compares an app registration (from standard input, as printed by `az ad app show`) with the required settings, and
 * prints its object id and the body of the PATCH request that adds what is missing; prints nothing if nothing is missing.
 * Existing settings, such as manually added redirect URIs and permissions, are kept.
 *
 * usage: node registrationPatch.mjs server permission=<app id>:<scope id>
 *        node registrationPatch.mjs client permission=<app id>:<scope id>... spa=<uri>... web=<uri>... public=<uri>...
 *        node registrationPatch.mjs link client=<app id>:<scope id>
 *        node registrationPatch.mjs preauthorize client=<app id>:<scope id>
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const requiredSettings = {
  /** The API: identifier URI, scope, role of administrators, v2 access tokens, and its permissions for Microsoft Graph. */
  server(app, values) {
    return {
      identifierUris: union(app.identifierUris, [`api://${app.appId}`]),
      api: {
        requestedAccessTokenVersion: 2,
        oauth2PermissionScopes: withPermission(app.api?.oauth2PermissionScopes, accessAsUser),
      },
      appRoles: withPermission(app.appRoles, manageUsers),
      requiredResourceAccess: withPermissions(app.requiredResourceAccess, values('permission')),
    };
  },

  /** The client as an authorized client of the API. A separate step, because the scope must exist. */
  link(app, values) {
    const [clientAppId] = values('client')[0].split(':');
    const { api } = requiredSettings.preauthorize(app, values);
    return {
      api: { ...api, knownClientApplications: union(app.api?.knownClientApplications, [clientAppId]) },
    };
  },

  /** Preauthorizes a client that is registered elsewhere: its users need not consent. */
  preauthorize(app, values) {
    const [clientAppId, scopeId] = values('client')[0].split(':');
    const others = (app.api?.preAuthorizedApplications ?? []).filter(({ appId }) => appId !== clientAppId);
    const existing = (app.api?.preAuthorizedApplications ?? []).find(({ appId }) => appId === clientAppId);
    const delegatedPermissionIds = union(existing?.delegatedPermissionIds, [scopeId]);
    return {
      api: { preAuthorizedApplications: [...others, { appId: clientAppId, delegatedPermissionIds }] },
    };
  },

  /** The client: redirect URIs and permissions. */
  client(app, values) {
    return {
      spa: { redirectUris: union(app.spa?.redirectUris, values('spa')) },
      web: { redirectUris: union(app.web?.redirectUris, values('web')) },
      publicClient: { redirectUris: union(app.publicClient?.redirectUris, values('public')) },
      requiredResourceAccess: withPermissions(app.requiredResourceAccess, values('permission')),
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

/** Nobody has it until an administrator assigns it. */
const manageUsers = {
  value: 'CommunicationUsers.Manage.All',
  allowedMemberTypes: ['User', 'Application'],
  isEnabled: true,
  displayName: 'Manage the communication identities of all users',
  description: 'Lets administrators and apps find and erase the communication identity of any user.',
};

function union(existing, required) {
  const before = existing ?? [];
  return [...before, ...required.filter((each) => !before.includes(each))];
}

/** An existing scope or role is kept unchanged, since its id may be in use. */
function withPermission(existing, permission) {
  const before = existing ?? [];
  return before.some(({ value }) => value === permission.value)
    ? before
    : [...before, { id: randomUUID(), ...permission }];
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

/** The parts of `required` that differ from `actual`; undefined if there are none. Lists are compared as sets. */
function difference(actual, required) {
  if (Array.isArray(required)) return sameSet(actual ?? [], required) ? undefined : required;
  if (typeof required !== 'object') return actual === required ? undefined : required;
  const parts = Object.entries(required)
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
const patch = difference(app, requiredSettings[kind](app, valuesOf));
if (patch) process.stdout.write(`${app.id} ${JSON.stringify(patch)}`);
