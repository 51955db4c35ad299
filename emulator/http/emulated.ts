import { b2cSeed, externalIdSeed } from '../customers/seed';

interface Emulated {
  operation: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** Entra's token endpoint has several operations at one URL. Empty: a request without a grant_type of Entra. */
  grantType?: string;
  /** The real service lets scripts of any origin call this. */
  crossOrigin?: true;
}

/** Everything that is emulated. The response to everything else is 501 NotEmulated. */
export const emulated = [
  {
    operation: 'externalId.discovery',
    method: 'GET',
    path: `/${externalIdSeed.tenantId}/v2.0/.well-known/openid-configuration`,
    crossOrigin: true,
  },
  {
    operation: 'externalId.keys',
    method: 'GET',
    path: `/${externalIdSeed.tenantId}/discovery/v2.0/keys`,
    crossOrigin: true,
  },
  {
    operation: 'b2c.discovery',
    method: 'GET',
    path: `/${b2cSeed.tenantName}.onmicrosoft.com/{policy}/v2.0/.well-known/openid-configuration`,
    crossOrigin: true,
  },
  {
    operation: 'b2c.keys',
    method: 'GET',
    path: `/${b2cSeed.tenantName}.onmicrosoft.com/{policy}/discovery/v2.0/keys`,
    crossOrigin: true,
  },
  {
    operation: 'externalId.authorize',
    method: 'GET',
    path: `/${externalIdSeed.tenantId}/oauth2/v2.0/authorize`,
  },
  { operation: 'externalId.signIn', method: 'POST', path: `/${externalIdSeed.tenantId}/login` },
  {
    operation: 'externalId.token',
    method: 'POST',
    path: `/${externalIdSeed.tenantId}/oauth2/v2.0/token`,
    crossOrigin: true,
  },
  { operation: 'externalId.logout', method: 'GET', path: `/${externalIdSeed.tenantId}/oauth2/v2.0/logout` },
  {
    operation: 'b2c.authorize',
    method: 'GET',
    path: `/${b2cSeed.tenantName}.onmicrosoft.com/{policy}/oauth2/v2.0/authorize`,
  },
  { operation: 'b2c.signIn', method: 'POST', path: `/${b2cSeed.tenantName}.onmicrosoft.com/{policy}/login` },
  {
    operation: 'b2c.token',
    method: 'POST',
    path: `/${b2cSeed.tenantName}.onmicrosoft.com/{policy}/oauth2/v2.0/token`,
    crossOrigin: true,
  },
  {
    operation: 'b2c.logout',
    method: 'GET',
    path: `/${b2cSeed.tenantName}.onmicrosoft.com/{policy}/oauth2/v2.0/logout`,
  },
  {
    operation: 'entra.discovery',
    method: 'GET',
    path: '/{tenant}/v2.0/.well-known/openid-configuration',
    crossOrigin: true,
  },
  {
    operation: 'entra.discovery',
    method: 'GET',
    path: '/{tenant}/.well-known/openid-configuration',
    crossOrigin: true,
  },
  {
    operation: 'entra.instanceDiscovery',
    method: 'GET',
    path: '/common/discovery/instance',
    crossOrigin: true,
  },
  { operation: 'entra.keys', method: 'GET', path: '/{tenant}/discovery/v2.0/keys', crossOrigin: true },
  { operation: 'entra.keys', method: 'GET', path: '/{tenant}/discovery/keys', crossOrigin: true },
  { operation: 'entra.authorize', method: 'GET', path: '/{tenant}/oauth2/v2.0/authorize' },
  { operation: 'entra.signIn', method: 'POST', path: '/{tenant}/login' },
  { operation: 'entra.logout', method: 'GET', path: '/{tenant}/oauth2/v2.0/logout' },
  { operation: 'entra.logout', method: 'GET', path: '/{tenant}/oauth2/logout' },
  { operation: 'entra.deviceCode', method: 'POST', path: '/{tenant}/oauth2/v2.0/devicecode' },
  { operation: 'entra.devicePage', method: 'GET', path: '/{tenant}/oauth2/deviceauth' },
  { operation: 'entra.deviceSignIn', method: 'POST', path: '/{tenant}/oauth2/deviceauth' },
  {
    operation: 'entra.token.authorization_code',
    method: 'POST',
    path: '/{tenant}/oauth2/v2.0/token',
    grantType: 'authorization_code',
    crossOrigin: true,
  },
  {
    operation: 'entra.token.refresh_token',
    method: 'POST',
    path: '/{tenant}/oauth2/v2.0/token',
    grantType: 'refresh_token',
    crossOrigin: true,
  },
  {
    operation: 'entra.token.on_behalf_of',
    method: 'POST',
    path: '/{tenant}/oauth2/v2.0/token',
    grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    crossOrigin: true,
  },
  {
    operation: 'entra.token.client_credentials',
    method: 'POST',
    path: '/{tenant}/oauth2/v2.0/token',
    grantType: 'client_credentials',
  },
  {
    operation: 'entra.token.device_code',
    method: 'POST',
    path: '/{tenant}/oauth2/v2.0/token',
    grantType: 'urn:ietf:params:oauth:grant-type:device_code',
  },
  { operation: 'entra.userRealm', method: 'GET', path: '/{tenant}/userrealm/{user}' },
  {
    operation: 'entra.token.password',
    method: 'POST',
    path: '/{tenant}/oauth2/v2.0/token',
    grantType: 'password',
  },
  {
    operation: 'entra.token.no_grant_type',
    method: 'POST',
    path: '/{tenant}/oauth2/v2.0/token',
    grantType: '',
  },

  { operation: 'graph.me', method: 'GET', path: '/v1.0/me', crossOrigin: true },
  { operation: 'graph.extension.list', method: 'GET', path: '/v1.0/me/extensions', crossOrigin: true },
  { operation: 'graph.extension.create', method: 'POST', path: '/v1.0/me/extensions', crossOrigin: true },
  { operation: 'graph.extension.read', method: 'GET', path: '/v1.0/me/extensions/{name}', crossOrigin: true },
  {
    operation: 'graph.extension.update',
    method: 'PATCH',
    path: '/v1.0/me/extensions/{name}',
    crossOrigin: true,
  },
  {
    operation: 'graph.extension.delete',
    method: 'DELETE',
    path: '/v1.0/me/extensions/{name}',
    crossOrigin: true,
  },
  { operation: 'graph.user.read', method: 'GET', path: '/v1.0/users/{id}', crossOrigin: true },
  {
    operation: 'graph.user.extension.list',
    method: 'GET',
    path: '/v1.0/users/{id}/extensions',
    crossOrigin: true,
  },
  {
    operation: 'graph.user.extension.create',
    method: 'POST',
    path: '/v1.0/users/{id}/extensions',
    crossOrigin: true,
  },
  {
    operation: 'graph.user.extension.read',
    method: 'GET',
    path: '/v1.0/users/{id}/extensions/{name}',
    crossOrigin: true,
  },
  {
    operation: 'graph.user.extension.update',
    method: 'PATCH',
    path: '/v1.0/users/{id}/extensions/{name}',
    crossOrigin: true,
  },
  {
    operation: 'graph.user.extension.delete',
    method: 'DELETE',
    path: '/v1.0/users/{id}/extensions/{name}',
    crossOrigin: true,
  },
  { operation: 'graph.userInfo', method: 'GET', path: '/oidc/userinfo', crossOrigin: true },
  { operation: 'graph.userInfo', method: 'POST', path: '/oidc/userinfo', crossOrigin: true },
  { operation: 'graph.application.list', method: 'GET', path: '/v1.0/applications', crossOrigin: true },
  { operation: 'graph.batch', method: 'POST', path: '/v1.0/$batch', crossOrigin: true },

  { operation: 'managedIdentity.token', method: 'GET', path: '/msi/token' },
  { operation: 'managedIdentity.token', method: 'GET', path: '/msi/token/' },

  { operation: 'acs.identity.create', method: 'POST', path: '/identities' },
  { operation: 'acs.identity.read', method: 'GET', path: '/identities/{id}' },
  { operation: 'acs.token.issue', method: 'POST', path: '/identities/{id}/:issueAccessToken' },
  { operation: 'acs.token.revoke', method: 'POST', path: '/identities/{id}/:revokeAccessTokens' },
  { operation: 'acs.identity.delete', method: 'DELETE', path: '/identities/{id}' },
  { operation: 'acs.teams.exchange', method: 'POST', path: '/teamsUser/:exchangeAccessToken' },
] as const satisfies readonly Emulated[];

export type Operation = (typeof emulated)[number]['operation'];

/** Whether a fault, delay or count for `prefix` applies to the operation: `graph` and `graph.extension` are prefixes. */
export function matchesOperation(prefix: string, operation: string): boolean {
  return operation === prefix || operation.startsWith(`${prefix}.`);
}

/** Throws for a prefix without operations: with a misspelt fault, a test would otherwise test nothing. */
export function assertKnownOperation(prefix: string): void {
  if (emulated.some(({ operation }) => matchesOperation(prefix, operation))) return;
  const known = [...new Set(emulated.map(({ operation }) => operation))].join(', ');
  throw new Error(`The emulator has no operation "${prefix}". It has: ${known}`);
}
