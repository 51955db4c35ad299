import type { CommunicationIdentityClientOptions } from '@azure/communication-identity';
import { isError } from '../errors';
import { classifyTransportError } from '../resilience/httpClient';
import type { Telemetry } from './telemetry';

type AdditionalPolicy = NonNullable<CommunicationIdentityClientOptions['additionalPolicies']>[number];

/** Reports the HTTP requests of an Azure SDK, and sends the trace context with them. None while telemetry is off. */
export function tracePolicies(telemetry: Telemetry | undefined): AdditionalPolicy[] {
  if (!telemetry) return [];
  const policy: AdditionalPolicy['policy'] = {
    name: 'traceContextPolicy',
    async sendRequest(request, next) {
      const send = telemetry.startSend(request.method, new URL(request.url));
      for (const [name, value] of Object.entries(send.headers)) request.headers.set(name, value);
      try {
        const response = await next(request);
        send.end({ status: response.status });
        return response;
      } catch (error) {
        send.end(outcomeOf(error, request.abortSignal?.aborted ?? false));
        throw error;
      }
    },
  };
  return [{ policy, position: 'perRetry' }];
}

function outcomeOf(error: unknown, aborted: boolean): { status: number } | { failure: string } {
  if (aborted) return { failure: 'timed_out' };
  // Where the response could not be read, the error has its status.
  if (isError(error) && 'statusCode' in error && typeof error.statusCode === 'number')
    return { status: error.statusCode };
  return { failure: classifyTransportError(error) };
}
