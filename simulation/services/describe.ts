import { HttpError } from '../../src/resilience/httpClient';
import type { FailureDetails } from '../../src/resilience/upstreamError';

export function describe(error: unknown): FailureDetails {
  if (error instanceof HttpError) return { transportFailure: error.transportFailure };
  throw error;
}
