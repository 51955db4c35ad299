import { randomUUID } from 'node:crypto';
import { seededUsers, userDomain } from '../seed';

export interface User {
  readonly objectId: string;
  readonly name: string;
  readonly userPrincipalName: string;
  readonly teamsLicence: boolean;
}

export type SeededUsers = Record<(typeof seededUsers)[number]['key'], User>;

/** The users of the tenant, by object id. */
export class Users {
  readonly seeded: SeededUsers;
  #byId = new Map<string, User>();

  constructor() {
    const users = seededUsers.map(({ key, ...user }) => [
      key,
      { ...user, userPrincipalName: `${key}@${userDomain}` },
    ]);
    this.seeded = Object.fromEntries(users) as SeededUsers;
    this.reset();
  }

  add(name?: string, teamsLicence = false): User {
    const displayName = name ?? `User ${this.#byId.size + 1}`;
    const local = displayName.toLowerCase().replace(/[^a-z0-9]+/g, '.');
    const user = {
      objectId: randomUUID(),
      name: displayName,
      userPrincipalName: `${local}@${userDomain}`,
      teamsLicence,
    };
    this.#byId.set(user.objectId, user);
    return user;
  }

  /** By object id, by sign-in name, or by the part of it before the @. */
  find(who: string): User | undefined {
    const wanted = who.toLowerCase();
    const direct = this.#byId.get(wanted);
    if (direct) return direct;
    // Seeded users come first, so that tokens for them stay cheap with a hundred thousand others.
    for (const user of this.#byId.values()) {
      if (user.userPrincipalName === wanted || user.userPrincipalName === `${wanted}@${userDomain}`)
        return user;
    }
    return undefined;
  }

  all(): User[] {
    return [...this.#byId.values()];
  }

  /** @param added the users that were added to the seeded ones */
  restore(added: User[]): void {
    this.reset();
    for (const user of added) this.#byId.set(user.objectId, user);
  }

  added(): User[] {
    return this.all().filter(
      ({ objectId }) => !Object.values(this.seeded).some((one) => one.objectId === objectId),
    );
  }

  reset(): void {
    this.#byId = new Map(Object.values(this.seeded).map((user) => [user.objectId, user]));
  }
}
