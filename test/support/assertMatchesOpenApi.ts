import type { describeMismatch } from '../contract/openApiMismatch';

declare global {
  /** From the test environment (environment.ts). */
  var describeOpenApiMismatch: typeof describeMismatch;
}

/** Throws if openapi.yaml does not allow this response. */
export function assertMatchesOpenApi(...response: Parameters<typeof describeMismatch>): void {
  const mismatch = describeOpenApiMismatch(...response);
  if (mismatch !== undefined) throw new Error(mismatch);
}
