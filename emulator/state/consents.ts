import { permissions as known, type ResourceName } from '../entra/resources';

/** The key of a consent that an administrator gave for everyone. */
const everyone = '';

/** Which permissions on a resource an application was given: by an administrator for the tenant, or by a user. */
export class Consents {
  /** By `<client id> <resource>`, then by user. */
  readonly #granted = new Map<string, Map<string, Set<string>>>();

  /** In the order in which the resource lists its permissions. */
  of(clientId: string, resource: ResourceName, userObjectId = everyone): string[] {
    const byUser = this.#granted.get(`${clientId} ${resource}`);
    const granted = [everyone, userObjectId].flatMap((who) => [...(byUser?.get(who) ?? [])]);
    return known[resource].filter((permission) => granted.includes(permission));
  }

  grant(
    clientId: string,
    resource: ResourceName,
    permissions: readonly string[],
    userObjectId = everyone,
  ): void {
    const key = `${clientId} ${resource}`;
    const byUser = this.#granted.get(key) ?? new Map<string, Set<string>>();
    this.#granted.set(key, byUser);
    const granted = byUser.get(userObjectId) ?? new Set<string>();
    byUser.set(userObjectId, granted);
    for (const permission of permissions) granted.add(assertKnown(resource, permission));
  }

  withdraw(clientId: string, resource: ResourceName, permissions = known[resource]): void {
    const names = permissions.map((permission) => assertKnown(resource, permission));
    for (const granted of this.#granted.get(`${clientId} ${resource}`)?.values() ?? []) {
      for (const name of names) granted.delete(name);
    }
  }

  /** The consents for the whole tenant, by resource. */
  describe(clientId: string): Record<string, string[]> {
    const resources = Object.keys(known) as ResourceName[];
    return Object.fromEntries(resources.map((resource) => [resource, this.of(clientId, resource)]));
  }

  clear(): void {
    this.#granted.clear();
  }
}

/** Otherwise a misspelt permission would be a consent without effect. */
function assertKnown(resource: ResourceName, permission: string): string {
  if (known[resource].includes(permission)) return permission;
  throw new Error(
    `The emulator's resource "${resource}" has no permission "${permission}". It has: ${known[resource].join(', ')}`,
  );
}
