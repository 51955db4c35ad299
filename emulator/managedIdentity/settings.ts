import { identityHeader, type ManagedIdentity, managedIdentities } from '../seed';

const identityPath = '/msi/token';

export type ManagedIdentities = Record<(typeof managedIdentities)[number]['key'], ManagedIdentity>;

export function identitiesByKey(): ManagedIdentities {
  const entries = managedIdentities.map(({ key, clientId, objectId, resourceId }) => [
    key,
    { clientId, objectId, resourceId },
  ]);
  return Object.fromEntries(entries) as ManagedIdentities;
}

/** What App Service sets, and the two settings with which a server uses its managed identity at ACS. */
export function managedIdentitySettings(url: string, userAssigned: boolean): Record<string, string> {
  return {
    COMMUNICATION_SERVICES_ENDPOINT: url,
    IDENTITY_ENDPOINT: `${url}${identityPath}`,
    IDENTITY_HEADER: identityHeader,
    ...(userAssigned ? { MANAGED_IDENTITY_CLIENT_ID: identitiesByKey().userAssigned.clientId } : {}),
  };
}
