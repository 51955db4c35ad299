import { checkHistory } from '../../bench/soak/check';
import { soakStores } from '../../bench/soak/options';
import { problemsOf, soak } from '../../bench/soak/soak';
import type { Operation } from '../../simulation/history';
import { azuriteStartTimeoutInMs } from '../support/azurite';

/** `npm run soak` does the same for longer, with more users and callers. */
it.each(soakStores)(
  'two processes keep every invariant under random requests and faults: %s',
  async (store) => {
    const size = { users: 20, callers: 8, milliseconds: 2_000, pauseBetweenFaultsInMs: 40 };
    const result = await soak(store, 1, size);
    expect(problemsOf(result)).toEqual([]);
  },
  azuriteStartTimeoutInMs,
);

describe('the checker', () => {
  const operation = (start: number, end: number, what: Partial<Operation>): Operation => ({
    user: 0,
    kind: 'GET user',
    start,
    end,
    outcome: '2xx',
    id: undefined,
    created: false,
    token: undefined,
    existing: ['a', 'b'],
    ...what,
  });
  const found = (id: string, start: number, more: Partial<Operation> = {}) =>
    operation(start, start + 1, { id, ...more });
  const deletion = (start: number, end: number, more: Partial<Operation> = {}) =>
    operation(start, end, { kind: 'DELETE user', existing: [], ...more });
  const failed = { outcome: 'unknown' } as const;

  it.each<[string, Operation[], string[]]>([
    ['an identity that stays', [found('a', 0), found('a', 2)], []],
    ['another one', [found('a', 0), found('b', 2)], ['an identity stays the same until it is deleted']],
    ['another one after a deletion', [found('a', 0), deletion(2, 3), found('b', 4)], []],
    ['another one during a deletion', [found('a', 0), deletion(2, 9), found('b', 4)], []],
    ['another one after a deletion that failed', [found('a', 0), deletion(2, 3, failed), found('b', 9)], []],
    [
      'another one before a deletion',
      [found('a', 0), found('b', 2), deletion(4, 5)],
      ['an identity stays the same until it is deleted'],
    ],
    ['one that is lost', [found('a', 0), operation(2, 3, {})], ['an identity is found until it is deleted']],
    [
      'one that is used after its deletion',
      [found('a', 0), deletion(2, 3), found('a', 4)],
      ['204: the identity is not used again'],
    ],
    [
      'one that outlives its deletion',
      [found('a', 0), deletion(2, 3, { existing: ['a'] })],
      ['204: the identity is deleted'],
    ],
    ['one that does not exist', [found('c', 0)], ['an identity in a response exists']],
    [
      'a token of another',
      [found('a', 0, { kind: 'getToken', token: 'b' })],
      ['a token is for its identity'],
    ],
    ['one of two users', [found('a', 0), found('a', 2, { user: 1 })], ['an identity belongs to one user']],
  ])('%s', (_name, operations, invariants) => {
    expect(checkHistory(operations, true).map(({ invariant }) => invariant)).toEqual(invariants);
  });
});
