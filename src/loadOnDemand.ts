import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { ApiError, isError } from './errors';

/**
 * A part of the server that is loaded with the first request that needs it: `onDemand(() => require('./part.js'))`. If that fails, the next
 * request tries again, which is why it is not `import()`: Node keeps its failures. Throws ApiError.
 *
 * @param importInstead for an ES module, which Node 22.0 to 22.11 and Jest cannot `require`
 */
export function onDemand<Part>(load: () => Part, importInstead?: () => Promise<Part>): () => Promise<Part> {
  return once(async () => {
    try {
      reserveFileDescriptors();
      return await loadOrImport(load, importInstead);
    } catch (cause) {
      throw new ApiError(
        'server_unavailable',
        'This server cannot load a part of itself. Try again later. If this persists, the operator can find the cause in the log under ' +
          'the request ID of this response.',
        { headers: { 'Retry-After': String(retryAfterInSeconds) }, cause },
      );
    }
  });
}

function loadOrImport<Part>(load: () => Part, importInstead?: () => Promise<Part>): Part | Promise<Part> {
  try {
    return load();
  } catch (error) {
    if (importInstead && isError(error) && 'code' in error && error.code === 'ERR_REQUIRE_ESM')
      return importInstead();
    throw error;
  }
}

const retryAfterInSeconds = 2;

/** Loading uses one at a time, and Node's other threads may open files meanwhile. */
const reservedFileDescriptors = 8;

/** Throws if there are too few. Otherwise Node might find no package.json, and would not look for it again. */
function reserveFileDescriptors(): void {
  const opened: number[] = [];
  try {
    while (opened.length < reservedFileDescriptors) opened.push(openSync(devNull, 'r'));
  } finally {
    opened.forEach((descriptor) => closeSync(descriptor));
  }
}

/** Concurrent and later callers share the result of the first. A failure is not kept: the next caller tries again. */
export function once<Result>(create: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () =>
    (result ??= create().catch((error: unknown) => {
      result = undefined;
      throw error;
    }));
}
