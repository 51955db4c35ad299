/** The code of a system error (`EADDRINUSE`). In jest's realm, system errors are not `instanceof Error`. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
