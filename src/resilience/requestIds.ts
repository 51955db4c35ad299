import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Carries the id of a request to the upstream calls that it causes, however deep. Callers that join an in-flight request make no
 * call of their own: it carries the id of the first.
 */
export interface RequestIds {
  run(requestId: string, work: () => void): void;
  /** Undefined in background work. */
  current(): string | undefined;
}

/** Only for servers with FORWARD_REQUEST_ID=on: Node tracks every promise of a process with such a storage. */
export function createRequestIds(): RequestIds {
  const storage = new AsyncLocalStorage<string>();
  return {
    run: (requestId, work) => storage.run(requestId, work),
    current: () => storage.getStore(),
  };
}

interface SdkRequest {
  readonly headers: { set(name: string, value: string): void };
}

/** For Azure's SDKs: `x-ms-client-request-id` is the request's id instead of a random one. */
export function requestIdPolicies(requestIds: RequestIds | undefined) {
  if (!requestIds) return [];
  const policy = {
    name: 'requestIdPolicy',
    sendRequest<Request extends SdkRequest, Result>(
      request: Request,
      next: (request: Request) => Result,
    ): Result {
      const requestId = requestIds.current();
      if (requestId !== undefined) request.headers.set('x-ms-client-request-id', requestId);
      return next(request);
    },
  };
  return [{ policy, position: 'perCall' as const }];
}
