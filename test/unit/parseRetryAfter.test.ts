import { parseRetryAfter } from '../../src/resilience/upstreamError';

const now = Date.parse('2026-01-01T12:00:00Z');

it.each<[string | null | undefined, number | undefined]>([
  [undefined, undefined],
  [null, undefined],
  ['', undefined],
  ['0', undefined],
  ['0.0', undefined],
  ['30', 30],
  [' 30 ', 30],
  ['1.2', 2],
  ['Thu, 01 Jan 2026 12:00:30 GMT', 30],
  ['Thu, 01 Jan 2026 11:59:30 GMT', undefined],
  ['Thursday, 01-Jan-26 12:01:00 GMT', 60],
  ['30,30', 30],
  ['30, 60', 30],
  ['Thu, 01 Jan 2026 12:00:30 GMT, Thu, 01 Jan 2026 12:00:40 GMT', 30],
  ['Thursday, 01-Jan-26 12:01:00 GMT,5', 60],
  ['30 soon', undefined],
  [',30', undefined],
  ['soon', undefined],
  ['NaN', undefined],
  ['Infinity', undefined],
  ['0x10', undefined],
])('reads %p as %p seconds', (value, seconds) => {
  expect(parseRetryAfter(value, now)).toBe(seconds);
});

it('compares a date with the current time by default', () => {
  expect(parseRetryAfter(new Date(Date.now() + 3_600_000).toUTCString())).toBeGreaterThan(3_500);
});
