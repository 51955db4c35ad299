import { NotEmulated } from '../http/exchange';
import { fail } from './errors';
import { type Registration } from './registrations';
import { graphAudience } from '../tokens/audiences';
import { findResource, permissions, type ResourceName } from './resources';

/** The scopes of a token request: OpenID scopes, and permissions on one or more resources. */
export interface RequestedScopes {
  openId: string[];
  resources: Partial<Record<ResourceName, RequestedPermission[]>>;
}

export interface RequestedPermission {
  /** As written in the request, … */
  requested: string;
  /** … and the permission's name; undefined for `.default`, which means all consented permissions. */
  permission: string | undefined;
}

export const openIdScopes = ['openid', 'profile', 'email', 'offline_access'];

/** @param client for the error if a permission does not exist */
export function parseScopes(scope: string | null, client: Registration, url: string): RequestedScopes {
  if (!scope?.trim()) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900144,
      message: "The request body must contain the following parameter: 'scope'.",
    });
  }
  const result: RequestedScopes = { openId: [], resources: {} };
  for (const requested of new Set(scope.trim().split(/\s+/))) {
    if (openIdScopes.includes(requested)) {
      result.openId.push(requested);
      continue;
    }
    const slash = requested.lastIndexOf('/');
    const identifier = slash < 0 ? graphAudience : requested.slice(0, slash);
    const name = requested.slice(slash + 1);
    const resource = findResource(identifier, url) ?? throwResourceNotFound(identifier);
    const permission = name === '.default' ? undefined : findPermission(resource, name);
    if (permission === undefined && name !== '.default') throwPermissionNotFound(client, name, identifier);
    (result.resources[resource] ??= []).push({ requested, permission });
  }
  return result;
}

/** A client may also name the resource (RFC 8707), if it is the one of the scopes. */
export function checkResource(fields: URLSearchParams, { resources }: RequestedScopes, url: string): void {
  const requested = fields.get('resource');
  if (!requested) return;
  const ofScopes: string[] = Object.keys(resources);
  const resource = findResource(requested, url);
  if (resource && (ofScopes.length > 0 ? ofScopes : ['graph']).includes(resource)) return;
  fail({
    status: 400,
    error: 'invalid_target',
    code: 9010010,
    message: "The resource parameter provided in the request doesn't match with the requested scopes.",
  });
}

function findPermission(resource: ResourceName, name: string): string | undefined {
  const found = permissions[resource].find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (found === undefined && resource === 'graph' && otherGraphPermission.test(name)) {
    throw new NotEmulated(`The permission ${name} of Microsoft Graph`);
  }
  return found;
}

/** The form of the hundreds of permissions that only the real Graph has, such as `Mail.Read`. */
const otherGraphPermission =
  /^[A-Z][\w-]*\.(AccessAsUser|Create|Manage|Read|ReadBasic|ReadWrite|Send)(\.[\w-]+)*$/;

/** The only resource of the scopes; throws if there are several. */
export function singleResource(scopes: RequestedScopes): [ResourceName, RequestedPermission[]] | undefined {
  const [first, ...others] = Object.entries(scopes.resources) as [ResourceName, RequestedPermission[]][];
  const second = others[0]?.[1][0]?.requested;
  if (second === undefined) return first;
  fail({
    status: 400,
    error: 'invalid_request',
    code: 28000,
    message:
      'Provided value for the input parameter scope is not valid because it contains more than one resource. ' +
      `Scope ${second} is not valid.`,
  });
}

function throwResourceNotFound(identifier: string): never {
  fail({
    status: 400,
    error: 'invalid_resource',
    code: 500011,
    message:
      `The resource principal named ${identifier} was not found in the tenant named Contoso. This can happen if the ` +
      'application has not been installed by the administrator of the tenant or consented to by any user in the ' +
      'tenant. You might have sent your authentication request to the wrong tenant.',
  });
}

function throwPermissionNotFound(client: Registration, name: string, resource: string): never {
  fail({
    status: 400,
    error: 'invalid_client',
    code: 650053,
    message:
      `The application '${client.name}' asked for scope '${name}' that doesn't exist on the resource '${resource}'. ` +
      'Contact the app vendor.',
  });
}
