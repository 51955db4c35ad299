/** The code of a system error (`EADDRINUSE`). Tests run in a realm where `instanceof Error` is not true of one. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
