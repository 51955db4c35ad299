import { AuthenticatedUser } from '../../src/authentication/authenticatedUser';
import { createMappingSeal, type SealedContent } from '../../src/identities/stores/graph/mappingSeal';

const key = Buffer.alloc(32, 1);
const tid = '7e4a0000-0000-4000-8000-000000000001';
const oid = 'a11ce000-0000-4000-8000-00000000000a';
const content: SealedContent = { communicationUserId: '8:acs:5ac50000_1' };

const userOf = (claims: Record<string, unknown> = {}) =>
  new AuthenticatedUser({ header: {}, claims: { tid, oid, ...claims } }, 'token', 'hash');
const seal = createMappingSeal(key);
const good = seal.seal(userOf(), content);

it('is intact as it was made, for the same user in any letters', () => {
  expect(seal.isIntact(userOf(), content, seal.version, good)).toBe(true);
  const capitals = userOf({ tid: tid.toUpperCase(), oid: oid.toUpperCase() });
  expect(seal.isIntact(capitals, content, seal.version, good)).toBe(true);
});

it('stays the same from release to release: mappings live for years', () => {
  expect({ version: seal.version, good }).toEqual({
    version: 1,
    good: 'i64yxF3_NWStfHAqFTcVuDVRH-woiKGglWei3YJEKh8',
  });
  expect(seal.seal(userOf(), { ...content, deletion: 'server/claim' })).toBe(
    '4_5cK4csY5BMasWGNJ5WWWOqhu1-Uhg0Ssko36bEufQ',
  );
});

it.each<[string, () => boolean]>([
  ['with another key', () => createMappingSeal(Buffer.alloc(32, 2)).isIntact(userOf(), content, 1, good)],
  ['for another user', () => seal.isIntact(userOf({ oid: oid.replace('a', 'b') }), content, 1, good)],
  [
    'for the same object id in another tenant',
    () => seal.isIntact(userOf({ tid: tid.replace('7', '8') }), content, 1, good),
  ],
  [
    'for another identity',
    () => seal.isIntact(userOf(), { communicationUserId: '8:acs:5ac50000_2' }, 1, good),
  ],
  ['for a deletion', () => seal.isIntact(userOf(), { ...content, deletion: 'server/claim' }, 1, good)],
  ['for a deletion without a name', () => seal.isIntact(userOf(), { ...content, deletion: '' }, 1, good)],
  [
    'for a deletion that is called null',
    () => seal.isIntact(userOf(), { ...content, deletion: 'null' }, 1, good),
  ],
  ['of another version', () => seal.isIntact(userOf(), content, 2, good)],
  ['of a version that is a text', () => seal.isIntact(userOf(), content, '1', good)],
  ['without a version', () => seal.isIntact(userOf(), content, undefined, good)],
  ['that is absent', () => seal.isIntact(userOf(), content, 1, undefined)],
  ['that is empty', () => seal.isIntact(userOf(), content, 1, '')],
  ['that is cut', () => seal.isIntact(userOf(), content, 1, good.slice(0, -4))],
  ['that goes on', () => seal.isIntact(userOf(), content, 1, `${good}AAAA`)],
  ['that is a list', () => seal.isIntact(userOf(), content, 1, [good])],
  ['that is no base64', () => seal.isIntact(userOf(), content, 1, '!'.repeat(good.length))],
])('is broken %s', (_, isIntact) => {
  expect(isIntact()).toBe(false);
});

it('does not read alike for contents that are written alike', () => {
  const one = seal.seal(userOf(), { communicationUserId: 'a', deletion: 'b","c' });
  const other = seal.seal(userOf(), { communicationUserId: 'a","b', deletion: 'c' });
  expect(one).not.toBe(other);
});
