import type { AuthenticatedUser } from '../../src/authentication/authenticatedUser';
import type { FindOptions, MappingStore, StoredMapping } from '../../src/identities/mappingStore';
import { type Deadline, withDeadline } from '../../src/resilience/deadline';
import { UpstreamError } from '../../src/resilience/upstreamError';
import { azuriteStartTimeoutInMs } from '../support/azurite';
import { addInProcesses } from './addInProcesses';
import { type Backend, backends, type StoreOperation } from './backends';

const inTime = <T>(work: (deadline: Deadline) => Promise<T>) => withDeadline(8_500, undefined, work);
const find = (store: MappingStore, user: AuthenticatedUser, options: Partial<FindOptions> = {}) =>
  inTime((deadline) => store.find(user, { deadline, intent: 'use', ...options }));
const add = (store: MappingStore, user: AuthenticatedUser, id: string) =>
  inTime((deadline) => store.add(user, id, { deadline }));
const cancelAdd = (store: MappingStore, user: AuthenticatedUser, id: string) =>
  inTime((deadline) => store.cancelAdd(user, id, deadline));
const setPendingDeletion = (
  store: MappingStore,
  user: AuthenticatedUser,
  mapping: StoredMapping,
  pendingDeletion = true,
) => inTime((deadline) => store.replace(user, mapping, { pendingDeletion }, deadline));
const remove = (store: MappingStore, user: AuthenticatedUser, mapping: StoredMapping) =>
  inTime((deadline) => store.remove(user, mapping, deadline));

/** Adds a mapping, and returns it so that it can be changed. */
async function added(store: MappingStore, user: AuthenticatedUser, id: string): Promise<StoredMapping> {
  const { outcome, mapping } = await add(store, user, id);
  expect(outcome).toBe('added');
  return mapping;
}

async function addPendingDeletion(
  store: MappingStore,
  user: AuthenticatedUser,
  id: string,
): Promise<StoredMapping> {
  const change = await setPendingDeletion(store, user, await added(store, user, id));
  if (change.outcome !== 'replaced') throw new Error(change.outcome);
  return change.mapping;
}

/** For ids of users and of identities. */
const oddTexts: [string, string][] = [
  ['quotes', `a'b"c'' or 'x' eq 'x`],
  ['slashes', '/../a/b//'],
  ['what a URL reserves', 'a#b?c&d=e%2Fg%25+h'],
  ['what a key must not contain', 'a\\b\tc\nd\u007fe\u0085f'],
  ['accents, in two spellings', 'é|e\u0301'],
  ['other scripts and planes', '用户-Ω-😀'],
  ['spaces around it', '  a b  '],
  ['upper and lower case', 'AbCdEf'],
  ['the encoding of the keys itself', '=2F=sha256:=3D'],
  ['many characters', 'long/'.repeat(150)],
];

let ids = 0;
const newId = () => `8:acs:11111111-1111-4111-8111-111111111111_${(ids += 1).toString(16).padStart(8, '0')}`;
const idOf = (mapping: StoredMapping | undefined) => mapping?.communicationUserId;

describe.each(Object.entries(backends))('a mapping store: %s', (name, kind) => {
  let backend: Backend;
  let store: MappingStore;
  let another: MappingStore;
  let user: AuthenticatedUser;
  beforeAll(async () => {
    backend = await kind.start();
    store = backend.open();
    another = backend.open();
  }, azuriteStartTimeoutInMs);
  beforeEach(() => (user = backend.newUser()));
  afterEach(() => backend.reset());
  afterAll(() => backend.stop());

  describe('in order', () => {
    it.each(['look', 'use', 'delete'] as const)(
      'finds nothing for a user without a mapping (%s)',
      async (intent) => {
        expect(await find(store, user, { intent })).toBeUndefined();
      },
    );

    it('adds, and every instance finds it', async () => {
      const id = newId();
      const mapping = await added(store, user, id);
      expect(mapping).toMatchObject({ communicationUserId: id, pendingDeletion: false });
      for (const instance of [store, another]) {
        expect(await find(instance, user)).toMatchObject({ communicationUserId: id, pendingDeletion: false });
      }
    });

    it('returns the mapping of the first add to the second', async () => {
      const first = newId();
      await added(store, user, first);
      const { outcome, mapping } = await add(another, user, newId());
      expect({ outcome, id: idOf(mapping) }).toEqual({ outcome: 'exists', id: first });
    });

    it('sets and clears the pending deletion of a mapping', async () => {
      const mapping = await addPendingDeletion(store, user, newId());
      expect(await find(another, user, { intent: 'look' })).toMatchObject({ pendingDeletion: true });
      const change = await setPendingDeletion(store, user, mapping, false);
      expect(change).toMatchObject({ outcome: 'replaced', mapping: { pendingDeletion: false } });
      expect(await find(another, user)).toMatchObject({ pendingDeletion: false });
    });

    it('reports a mapping with a pending deletion to an add as existing', async () => {
      const mapping = await addPendingDeletion(store, user, newId());
      const result = await add(store, user, newId());
      expect(result.outcome).toBe('exists');
      expect(result.mapping).toMatchObject({
        communicationUserId: idOf(mapping),
        pendingDeletion: true,
      });
    });

    it('removes a mapping with a pending deletion, or one just added', async () => {
      expect(await remove(store, user, await addPendingDeletion(store, user, newId()))).toBe('removed');
      expect(await find(another, user)).toBeUndefined();
      expect(await remove(store, user, await added(store, user, newId()))).toBe('removed');
      expect(await find(another, user)).toBeUndefined();
    });

    it('adds again after it has removed', async () => {
      await remove(store, user, await addPendingDeletion(store, user, newId()));
      const id = newId();
      await added(another, user, id);
      expect(idOf(await find(store, user))).toBe(id);
    });

    it('keeps the mapping if the cancelled add was already applied', async () => {
      const id = idOf(await added(store, user, newId()));
      expect(await cancelAdd(another, user, id ?? '')).toBe('added');
      expect(await cancelAdd(another, user, newId())).toBe('cancelled');
      expect(idOf(await find(store, user))).toBe(id);
    });

    it('adds after an add was cancelled', async () => {
      for (const instance of [store, another]) {
        expect(await cancelAdd(instance, user, newId())).toBe('cancelled');
        expect(await find(another, user)).toBeUndefined();
      }
      const id = newId();
      const mapping = await added(store, user, id);
      expect(idOf(await find(another, user))).toBe(id);
      expect(await remove(another, user, mapping)).toBe('removed');
      expect(await find(store, user)).toBeUndefined();
    });

    it('keeps users separate', async () => {
      const other = backend.newUser();
      const [mine, theirs] = [newId(), newId()];
      const mapping = await addPendingDeletion(store, user, mine);
      await added(store, other, theirs);
      await remove(store, user, mapping);
      expect(idOf(await find(store, other))).toBe(theirs);
    });
  });

  describe('what another instance did first', () => {
    it('removing twice succeeds once, and leaves nothing', async () => {
      const mapping = await addPendingDeletion(store, user, newId());
      expect(await remove(store, user, mapping)).toBe('removed');
      expect(['absent', 'removed']).toContain(await remove(store, user, mapping));
      expect(await find(store, user)).toBeUndefined();
    });

    it('changing or removing a mapping that is gone has no effect', async () => {
      const mapping = await added(store, user, newId());
      await remove(another, user, mapping);
      expect(await setPendingDeletion(store, user, mapping)).toEqual({ outcome: 'absent' });
      expect(await remove(store, user, mapping)).toBe('absent');
    });

    it('if two set the pending deletion of one mapping, one removes it', async () => {
      const mapping = await added(store, user, newId());
      const changes = [
        await setPendingDeletion(store, user, mapping),
        await setPendingDeletion(another, user, mapping),
      ];
      const outcomes = await Promise.all(
        changes.map((change, index) =>
          change.outcome === 'replaced'
            ? remove([store, another][index] ?? store, user, change.mapping)
            : Promise.resolve(change.outcome),
        ),
      );
      expect(outcomes.sort()).toEqual(['conflict', 'removed']);
      expect(await find(store, user)).toBeUndefined();
    });

    const withConditions = kind.conditionalWrites ? it : it.skip;
    withConditions('a version that is no longer current cannot be changed or removed', async () => {
      const id = newId();
      const old = await added(store, user, id);
      const change = await setPendingDeletion(another, user, old);
      expect(change.outcome).toBe('replaced');
      expect(await setPendingDeletion(store, user, old, false)).toEqual({ outcome: 'conflict' });
      expect(await remove(store, user, old)).toBe('conflict');
      expect(await find(store, user)).toMatchObject({ communicationUserId: id, pendingDeletion: true });
    });

    withConditions('a mapping that was made since cannot be changed or removed', async () => {
      const old = await added(store, user, newId());
      await remove(another, user, old);
      const id = newId();
      await added(another, user, id);
      expect(await setPendingDeletion(store, user, old)).toEqual({ outcome: 'conflict' });
      expect(await remove(store, user, old)).toBe('conflict');
      expect(await find(store, user)).toMatchObject({ communicationUserId: id, pendingDeletion: false });
    });
  });

  it('of 50 concurrent adds, in two processes if possible, one wins and all return its mapping', async () => {
    const communicationUserIds = Array.from({ length: 25 }, newId);
    const { address } = backend;
    const outcomes = address
      ? await addInProcesses([
          { address, user, communicationUserIds },
          { address, user, communicationUserIds: Array.from({ length: 25 }, newId) },
        ])
      : await Promise.all(
          [...communicationUserIds, ...Array.from({ length: 25 }, newId)].map(async (id) => {
            const { outcome, mapping } = await add(store, user, id);
            return { outcome, mapped: mapping.communicationUserId };
          }),
        );
    expect(outcomes).toHaveLength(50);
    expect(outcomes.filter(({ outcome }) => outcome === 'added')).toHaveLength(1);
    const mapped = idOf(await find(store, user));
    expect(new Set(outcomes.map((one) => one.mapped))).toEqual(new Set([mapped]));
  });

  describe.each(oddTexts)('keeps every character: %s', (_name, text) => {
    it('of an identity', async () => {
      await added(store, user, text);
      expect(idOf(await find(another, user))).toBe(text);
    });

    (kind.anyUserId ? it : it.skip)('of a user, and does not confuse similar ids', async () => {
      const odd = backend.newUser(text);
      const id = newId();
      const mapping = await added(store, odd, id);
      const similarIds = [text.toLowerCase(), text.toUpperCase(), text.trim(), encodeURIComponent(text)];
      for (const similarId of [...similarIds, text.slice(0, -1), `${text} `]) {
        if (similarId === text) continue;
        expect(await find(store, backend.newUser(similarId))).toBeUndefined();
      }
      expect(idOf(await find(another, odd))).toBe(id);
      const change = await setPendingDeletion(store, odd, mapping);
      if (change.outcome !== 'replaced') throw new Error(change.outcome);
      expect(await remove(store, odd, change.mapping)).toBe('removed');
      expect(await find(another, odd)).toBeUndefined();
    });
  });

  const withFaults = name === 'memory' ? describe.skip : describe;
  withFaults('a service that fails', () => {
    /** One operation, prepared in advance, and the expected final state. */
    const operations: [StoreOperation, () => Promise<() => Promise<unknown>>, string[]][] = [
      ['find', async () => (await added(store, user, newId()), () => find(store, user).then(idOf)), []],
      [
        'add',
        () => Promise.resolve(() => add(store, user, newId()).then(({ outcome }) => outcome)),
        ['added'],
      ],
      [
        'replace',
        async () => {
          const mapping = await added(store, user, newId());
          return () => setPendingDeletion(store, user, mapping).then(({ outcome }) => outcome);
        },
        ['replaced'],
      ],
      [
        'remove',
        async () => {
          const mapping = await addPendingDeletion(store, user, newId());
          return () => remove(store, user, mapping);
        },
        // After a lost reply the retry finds nothing: the mapping is gone either way.
        ['removed', 'absent'],
      ],
    ];

    describe.each(operations)('%s', (operation, prepare, outcomes) => {
      it.each([['replyLost'], ['dropped'], ['throttled']] as const)(
        'succeeds after one failure: %s',
        async (fault) => {
          const run = await prepare();
          const before = idOf(await find(store, user));
          backend.fail?.(fault, operation, 1);
          const outcome = await run();
          expect(operation === 'find' ? [before] : outcomes).toContain(outcome);
          const after = await find(another, user, { intent: 'look' });
          expect(after?.pendingDeletion).toEqual(
            { find: false, add: false, replace: true, remove: undefined }[operation],
          );
          // A caller that learned of a change can continue from there.
          const current = await find(store, user, { intent: 'delete' });
          if (current) expect(await remove(store, user, current)).toBe('removed');
        },
      );

      it('tells a caller when to retry if it fails', async () => {
        const run = await prepare();
        backend.fail?.('throttled', operation, 10);
        const error: unknown = await run().catch((reason: unknown) => reason);
        backend.reset();
        expect(error).toBeInstanceOf(UpstreamError);
        expect(error).toMatchObject({ status: 503, headers: { 'Retry-After': expect.any(String) } });
      });
    });

    it('has all mappings when it is back', async () => {
      const id = newId();
      const mapping = await added(store, user, id);
      await backend.whileStopped?.(async () => {
        const error: unknown = await find(store, user).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ status: 503, code: 'upstream_unavailable' });
      });
      expect(idOf(await find(store, user))).toBe(id);
      const change = await setPendingDeletion(store, user, mapping);
      if (change.outcome !== 'replaced') throw new Error(change.outcome);
      expect(await remove(store, user, change.mapping)).toBe('removed');
    });
  });
});
