import { clientIdOf, decodeJwt, stringClaim } from '../../src/authentication/jwt';

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const header = encode({ alg: 'RS256' });
const claims = encode({ oid: 'a', name: 'Zoë 王' });

it('reads header and claims without verifying them', () => {
  expect(decodeJwt(`${header}.${claims}.anything`)).toEqual({
    header: { alg: 'RS256' },
    claims: { oid: 'a', name: 'Zoë 王' },
  });
});

it.each<[string, string]>([
  ['nothing', ''],
  ['dots', '..'],
  ['one part', header],
  ['two parts', `${header}.${claims}`],
  ['an empty signature', `${header}.${claims}.`],
  ['a signature that is not base64url', `${header}.${claims}.s=`],
  ['four parts', `${header}.${claims}.s.s`],
  ['five parts, as if encrypted', `${header}.k.iv.${claims}.t`],
  ['an empty header', `.${claims}.s`],
  ['empty claims', `${header}..s`],
  ['a header that is not base64url', `{"alg":"RS256"}.${claims}.s`],
  ['claims with padding', `${header}.${Buffer.from('{"a":1}').toString('base64')}.s`],
  ['claims that are not JSON', `${header}.${Buffer.from('{"a":').toString('base64url')}.s`],
  ['claims that are an array', `${header}.${encode([])}.s`],
  ['claims that are null', `${header}.${encode(null)}.s`],
  ['claims that are a string', `${header}.${encode('claims')}.s`],
  ['a header that is a number', `${encode(1)}.${claims}.s`],
  ['a line break', `${header}.${claims}\n.s`],
])('does not read %s', (_, text) => {
  expect(decodeJwt(text)).toBeUndefined();
});

it.each<[unknown, string | undefined]>([
  ['text', 'text'],
  ['', undefined],
  [undefined, undefined],
  [null, undefined],
  [1, undefined],
  [['text'], undefined],
  [{ toString: 'text' }, undefined],
])('a claim of %p counts as %p', (value, expected) => {
  expect(stringClaim({ header: {}, claims: { claim: value } }, 'claim')).toBe(expected);
});

it.each<[Record<string, unknown>, string | undefined]>([
  [{ azp: 'V2' }, 'v2'],
  [{ appid: 'V1' }, 'v1'],
  [{ azp: 'v2', appid: 'v1' }, 'v2'],
  [{ azp: 7, appid: 'v1' }, 'v1'],
  [{ azp: ['v2'] }, undefined],
  [{}, undefined],
])('the client of %p is %p', (of, expected) => {
  expect(clientIdOf({ header: {}, claims: of })).toBe(expected);
});
