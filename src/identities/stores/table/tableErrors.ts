import { z } from 'zod';
import { isError } from '../../../errors';
import { classifyTransportError } from '../../../resilience/httpClient';
import { type FailureDetails, parseRetryAfter } from '../../../resilience/upstreamError';

/** The part of core-rest-pipeline's RestError that we read. */
interface RestErrorLike extends Error {
  code?: unknown;
  statusCode?: unknown;
  response?: { headers?: { get?: (name: string) => string | undefined } };
}

/** What an error of the SDK says about a failed call. */
export function describeTableError(error: unknown): FailureDetails {
  if (!isError(error)) return { transportFailure: 'invalid_response' };
  const { statusCode, code, response } = error as RestErrorLike;
  if (typeof statusCode === 'number' && statusCode >= 400) {
    const serviceCode = response?.headers?.get?.('x-ms-error-code') ?? odataCodeOf(error);
    return {
      // For half a minute after a table was deleted, another of its name cannot be created: as temporary as a 503.
      status: serviceCode === 'TableBeingDeleted' ? 503 : statusCode,
      code: serviceCode,
      retryAfterInSeconds: parseRetryAfter(response?.headers?.get?.('retry-after')),
    };
  }
  if (statusCode !== undefined || code === 'PARSE_ERROR' || error instanceof z.ZodError)
    return { transportFailure: 'invalid_response' };
  return { transportFailure: classifyTransportError(error) };
}

const odataError = z.object({ 'odata.error': z.object({ code: z.string() }) });

/** Cosmos DB's Table API sends the code in the body only. */
function odataCodeOf({ message }: Error): string | undefined {
  try {
    return odataError.parse(JSON.parse(message))['odata.error'].code;
  } catch {
    return undefined;
  }
}
