import { createEntraUser } from '../../src/authentication/entra/entraProvider';
import {
  createMappingSeal,
  keyFingerprint,
  type SealedContent,
} from '../../src/identities/stores/graph/mappingSeal';

const key = Buffer.alloc(32, 1);
const tid = '7e4a0000-0000-4000-8000-000000000001';
const oid = 'a11ce000-0000-4000-8000-00000000000a';
const content: SealedContent = { communicationUserId: '8:acs:5ac50000_1' };

const userOf = (claims: Record<string, unknown> = {}) =>
  createEntraUser({
    jwt: { header: {}, claims: { tid, oid, ...claims } },
    accessToken: 'token',
    accessTokenHash: 'hash',
  });
const seal = createMappingSeal([key]);
const good = seal.seal(userOf(), content);

it('is intact for the same user, whose ids may be in upper case', () => {
  expect(seal.verify(userOf(), content, seal.version, good)).toBe('current');
  const capitals = userOf({ tid: tid.toUpperCase(), oid: oid.toUpperCase() });
  expect(seal.verify(capitals, content, seal.version, good)).toBe('current');
});

it('does not change between releases, because mappings live for years', () => {
  expect({ version: seal.version, good }).toEqual({
    version: 1,
    good: 'i64yxF3_NWStfHAqFTcVuDVRH-woiKGglWei3YJEKh8',
  });
  expect(seal.seal(userOf(), { ...content, deletion: 'server/claim' })).toBe(
    '4_5cK4csY5BMasWGNJ5WWWOqhu1-Uhg0Ssko36bEufQ',
  );
});

it.each<[string, () => unknown]>([
  ['with another key', () => createMappingSeal([Buffer.alloc(32, 2)]).verify(userOf(), content, 1, good)],
  ['for another user', () => seal.verify(userOf({ oid: oid.replace('a', 'b') }), content, 1, good)],
  [
    'for the same object id in another tenant',
    () => seal.verify(userOf({ tid: tid.replace('7', '8') }), content, 1, good),
  ],
  ['for another identity', () => seal.verify(userOf(), { communicationUserId: '8:acs:5ac50000_2' }, 1, good)],
  ['for a deletion', () => seal.verify(userOf(), { ...content, deletion: 'server/claim' }, 1, good)],
  ['for a deletion without a name', () => seal.verify(userOf(), { ...content, deletion: '' }, 1, good)],
  [
    'for a deletion with the name null',
    () => seal.verify(userOf(), { ...content, deletion: 'null' }, 1, good),
  ],
  ['of another version', () => seal.verify(userOf(), content, 2, good)],
  ['of a version that is a string', () => seal.verify(userOf(), content, '1', good)],
  ['without a version', () => seal.verify(userOf(), content, undefined, good)],
  ['that is absent', () => seal.verify(userOf(), content, 1, undefined)],
  ['that is empty', () => seal.verify(userOf(), content, 1, '')],
  ['that is truncated', () => seal.verify(userOf(), content, 1, good.slice(0, -4))],
  ['with extra characters', () => seal.verify(userOf(), content, 1, `${good}AAAA`)],
  ['that is an array', () => seal.verify(userOf(), content, 1, [good])],
  ['that is not base64', () => seal.verify(userOf(), content, 1, '!'.repeat(good.length))],
])('is broken %s', (_, verify) => {
  expect(verify()).toBeUndefined();
});

it('differs for contents that concatenate to the same text', () => {
  const one = seal.seal(userOf(), { communicationUserId: 'a', deletion: 'b","c' });
  const other = seal.seal(userOf(), { communicationUserId: 'a","b', deletion: 'c' });
  expect(one).not.toBe(other);
});

it('is verified by every key, and says whether the current one made it', () => {
  const otherKey = Buffer.alloc(32, 2);
  const rotated = createMappingSeal([otherKey, key]);
  expect(rotated.verify(userOf(), content, 1, good)).toBe('previous');
  expect(rotated.verify(userOf(), content, 1, rotated.seal(userOf(), content))).toBe('current');
  expect(seal.verify(userOf(), content, 1, rotated.seal(userOf(), content))).toBeUndefined();
});

it('has a fingerprint for each key that does not reveal it', () => {
  expect(keyFingerprint(key)).toMatch(/^[0-9a-f]{8}$/);
  expect(keyFingerprint(key)).not.toBe(keyFingerprint(Buffer.alloc(32, 2)));
});
