import { HttpError } from '../../src/resilience/httpClient';
import type { FailureFacts } from '../../src/resilience/upstreamError';

export function describe(error: unknown): FailureFacts {
  if (error instanceof HttpError) return { transportFailure: error.transportFailure };
  throw error;
}
