import type { RequestScope } from '../requestScope';

interface SdkRequest {
  readonly headers: { set(name: string, value: string): void };
}

/** For Azure's SDKs: `x-ms-client-request-id` is the request's id instead of a random one. */
export function requestIdPolicies(requestScope: RequestScope | undefined) {
  if (!requestScope) return [];
  const policy = {
    name: 'requestIdPolicy',
    sendRequest<Request extends SdkRequest, Result>(
      request: Request,
      next: (request: Request) => Result,
    ): Result {
      const ids = requestScope.current();
      if (ids) request.headers.set('x-ms-client-request-id', ids.requestId);
      return next(request);
    },
  };
  return [{ policy, position: 'perCall' as const }];
}
