export type OperationKind = 'getToken' | 'getFreshToken' | 'POST user' | 'GET user' | 'DELETE user';

/** One request as its caller saw it. */
export interface Operation {
  readonly user: number;
  readonly kind: OperationKind;
  /** Steps of the run. */
  readonly start: number;
  end: number;
  /** `unknown`: the request failed, or its instance crashed. It may still take effect at any later time. */
  outcome: '2xx' | 'unknown';
  /** The identity in the response; undefined for 404. */
  id: string | undefined;
  created: boolean;
  token: string | undefined;
  /** The identities that exist when the response arrives. */
  existing: readonly string[];
}

export interface Violation {
  /** Which invariant was violated. */
  readonly invariant: string;
  readonly details: string;
}

const isDelete = ({ kind }: Operation) => kind === 'DELETE user';

/** Whether a deletion may explain that something changed between these steps. */
function deletionBetween(operations: readonly Operation[], user: number, from: number, to: number): boolean {
  return operations.some(
    (operation) =>
      isDelete(operation) &&
      operation.user === user &&
      operation.start < to &&
      (operation.outcome === 'unknown' || operation.end > from),
  );
}

/**
 * Which invariant the 2xx responses violate; undefined if all hold.
 *
 * @param createdOnce whether only one caller learns of a creation. The store `acs` cannot guarantee this: ACS does not say which of two calls
 * created the identity.
 */
export function findViolation(
  operations: readonly Operation[],
  tokenOf: (id: string) => string,
  createdOnce: boolean,
): Violation | undefined {
  const done = operations.filter(({ outcome }) => outcome === '2xx');
  const named = done.filter(({ id }) => id !== undefined);
  const users = new Map<string, number>();
  const creators = new Set<string>();
  const broken = (invariant: string, ...involved: Operation[]) => ({
    invariant,
    details: involved.map(show).join('; '),
  });

  for (const operation of named) {
    const { id = '', user, start, end, created, token, existing } = operation;
    if ((users.get(id) ?? user) !== user) return broken('an identity belongs to one user', operation);
    users.set(id, user);
    if (token !== undefined && token !== tokenOf(id)) return broken('a token is for its identity', operation);
    if (createdOnce && created && creators.has(id)) return broken('an identity is created once', operation);
    if (created) creators.add(id);
    if (!existing.includes(id) && !deletionBetween(operations, user, start, end))
      return broken('an identity in a response exists', operation);
  }
  for (const earlier of named) {
    for (const later of done) {
      if (later.user !== earlier.user || earlier.end >= later.start) continue;
      if (isDelete(later)) {
        if (later.existing.includes(earlier.id ?? ''))
          return broken('204: the identity is deleted', earlier, later);
      } else if (
        later.id !== earlier.id &&
        !deletionBetween(operations, later.user, earlier.start, later.end)
      ) {
        return later.id === undefined
          ? broken('an identity is found until it is deleted', earlier, later)
          : broken('an identity stays the same until it is deleted', earlier, later);
      }
    }
  }
  for (const deletion of done.filter(isDelete)) {
    const deleted = named.filter(({ user, end }) => user === deletion.user && end < deletion.start);
    for (const later of named) {
      if (later.start > deletion.end && deleted.some(({ id }) => id === later.id))
        return broken('204: the identity is not used again', deletion, later);
    }
  }
  return undefined;
}

function show({ kind, user, start, end, id }: Operation): string {
  return `${kind} of user ${user} (steps ${start} to ${end}): ${id ?? 'no identity'}`;
}
