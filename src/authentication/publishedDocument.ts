import type { z } from 'zod';
import type { Deadline } from '../resilience/deadline';
import { type HttpClient, HttpError } from '../resilience/httpClient';
import { parseRetryAfter, UpstreamError, type UpstreamName } from '../resilience/upstreamError';

/** Reads a JSON document that a provider publishes. Throws UpstreamError. */
export type ReadDocument = <T>(
  operation: string,
  url: string,
  shape: z.ZodType<T>,
  deadline: Deadline,
) => Promise<T>;

export function createDocumentReader(upstream: UpstreamName, http: HttpClient): ReadDocument {
  return async (operation, url, shape, deadline) => {
    try {
      const reply = await http.send(url, {
        method: 'GET',
        signal: deadline.signal,
        call: { upstream, operation },
      });
      if (reply.status !== 200) {
        const retryAfterInSeconds = parseRetryAfter(reply.headers['retry-after']);
        throw new UpstreamError(upstream, operation, {
          status: reply.status,
          // No refusal of a request: the server tries again until there is a document.
          unavailable: true,
          retryAfterInSeconds,
        });
      }
      return shape.parse(JSON.parse(reply.text));
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      const transportFailure = error instanceof HttpError ? error.transportFailure : 'invalid_response';
      throw new UpstreamError(upstream, operation, { transportFailure }, error);
    }
  };
}

/** The document was read, but its content cannot be used. */
export function unusableDocument(upstream: UpstreamName, operation: string, reason: string): UpstreamError {
  return new UpstreamError(
    upstream,
    operation,
    { transportFailure: 'invalid_response', message: reason },
    new Error(reason),
  );
}
