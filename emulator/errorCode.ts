/** The code of a system error (`EADDRINUSE`). Where Jest runs the tests of an app, system errors are not `instanceof Error`. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
