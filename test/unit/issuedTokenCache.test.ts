import { createIssuedTokenCache, type IssuedToken } from '../../src/tokens/issuedTokenCache';
import { fakeDate, fakeMonotonicClock } from '../support/clock';

const minute = 60_000;

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

function tokenFor(communicationUserId: string, lifetimeInMs: number): IssuedToken {
  return {
    communicationUserId,
    token: `token of ${communicationUserId}`,
    expiresOn: new Date(Date.now() + lifetimeInMs),
  };
}

/** The LRU cache reads the clock at most once per millisecond. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 10));

it.each([
  { reuse: 15, life: 1_440, kept: 15, because: 'the window ends' },
  { reuse: 15, life: 60, kept: 15, because: 'the window ends' },
  { reuse: 120, life: 60, kept: 30, because: 'half of its life is over' },
  { reuse: 120, life: 20, kept: 5, because: 'less than 15 minutes of it are left' },
  { reuse: 720, life: 1_440, kept: 720, because: 'window and half of its life end' },
])(
  'a token of $life minutes with a window of $reuse is kept for $kept: then $because',
  async ({ reuse, life, kept }) => {
    fakeDate();
    const clock = fakeMonotonicClock();
    const cache = createIssuedTokenCache({ reuseInMinutes: reuse, size: 10 });
    const token = tokenFor('a', life * minute);
    cache.add('a', token);
    await tick();
    expect(cache.get('a')).toBe(token);
    clock.advance(kept * minute - 1);
    await tick();
    expect(cache.get('a')).toBe(token);
    clock.advance(2);
    await tick();
    expect(cache.get('a')).toBeUndefined();
  },
);

it.each([
  ['reuse is off', 0, 1_440],
  ['it has 15 minutes left', 15, 15],
  ['it has expired', 15, -1],
])('a token is not kept when %s', (_, reuse, life) => {
  const cache = createIssuedTokenCache({ reuseInMinutes: reuse, size: 10 });
  cache.add('a', tokenFor('a', life * minute));
  expect(cache.get('a')).toBeUndefined();
});

it('a token that is not kept also removes an older one', () => {
  const cache = createIssuedTokenCache({ reuseInMinutes: 15, size: 10 });
  cache.add('a', tokenFor('a', 60 * minute));
  cache.add('a', tokenFor('a', 10 * minute));
  expect(cache.get('a')).toBeUndefined();
});

it('a token belongs to one user, and is removed with that user', () => {
  const cache = createIssuedTokenCache({ reuseInMinutes: 15, size: 10 });
  const [a, b] = [tokenFor('a', 60 * minute), tokenFor('b', 60 * minute)];
  cache.add('a', a);
  cache.add('b', b);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([a, b, undefined]);
  cache.delete('a');
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, b]);
});

it('keeps the most recently used tokens, up to its size', () => {
  const cache = createIssuedTokenCache({ reuseInMinutes: 15, size: 3 });
  for (const user of ['a', 'b', 'c']) cache.add(user, tokenFor(user, 60 * minute));
  cache.get('a');
  cache.add('d', tokenFor('d', 60 * minute));
  const kept = ['a', 'b', 'c', 'd'].filter((user) => cache.get(user));
  expect(kept).toEqual(['a', 'c', 'd']);
});
