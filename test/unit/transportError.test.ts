import { classifyTransportError } from '../../src/resilience/httpClient';

const systemError = (code: string, syscall?: string) =>
  Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) });

test.each([
  ['a connection that is refused', systemError('ECONNREFUSED', 'connect'), 'connect_failed'],
  ['a connection that times out', systemError('ETIMEDOUT', 'connect'), 'connect_failed'],
  ['several addresses that time out', systemError('ETIMEDOUT'), 'connect_failed'],
  ['a name that is not found', systemError('ENOTFOUND', 'getaddrinfo'), 'connect_failed'],
  ['an open connection whose peer vanishes', systemError('ETIMEDOUT', 'read'), 'connection_lost'],
  ['an open connection that loses its route', systemError('EHOSTUNREACH', 'write'), 'connection_lost'],
  ['a connection that is reset', systemError('ECONNRESET', 'read'), 'connection_lost'],
])('%s', (_name, error, expected) => {
  expect(classifyTransportError(new TypeError('wrapped', { cause: error }))).toBe(expected);
});
