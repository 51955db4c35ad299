import { isError } from '../errors';
import type { RequestScope } from '../requestScope';
import { createAgent, request } from './undici';
import type { Telemetry, UpstreamCall } from '../telemetry/telemetry';
import type { FailureDetails } from './upstreamError';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS';
  headers?: Record<string, string>;
  body?: string | undefined;
  signal: AbortSignal;
  /** For telemetry: the upstream call that this request is, if it is not part of one. */
  call?: UpstreamCall;
}

export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  text: string;
}

/** There was no response, or no usable one. */
export class HttpError extends Error {
  override readonly name = 'HttpError';

  constructor(
    readonly transportFailure: NonNullable<FailureDetails['transportFailure']>,
    cause: unknown,
    origin: string,
  ) {
    super(`no usable response from ${origin}: ${transportFailure}`, { cause });
  }
}

/** The HTTP client for Entra and Graph: pooled connections, limited response size, no redirects. */
export interface HttpClient {
  /** Throws HttpError if there is no response. A response with an error status is returned. */
  send(url: string, request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** Far above what any service sends. */
export const maxResponseBytes = 1_000_000;

/**
 * To one host. With fewer, calls to a slow upstream wait for a connection until their time is up, as if it did not respond. With more, those
 * beyond the 128 that App Service guarantees (SNAT ports of an instance, per address) could be the larger part and open a circuit breaker.
 */
const maxConnections = 256;

/** @param requestScope its calls carry `client-request-id`, as Entra ID and Graph log it */
export function createHttpClient(requestScope?: RequestScope, telemetry?: Telemetry): HttpClient {
  const agent = createAgent({
    connections: maxConnections,
    connect: { timeout: 3_000, maxCachedSessions: 100 },
    keepAliveTimeout: 30_000,
    maxResponseSize: maxResponseBytes,
  });

  async function sendOnce(
    url: URL,
    { method, headers = {}, body, signal }: HttpRequest,
  ): Promise<HttpResponse> {
    try {
      const { origin, pathname, search } = url;
      const requestId = requestScope?.current()?.requestId;
      // Responses are not decompressed, and without this header a service may compress them.
      const sent = { 'accept-encoding': 'identity', ...headers };
      const reply = await request(agent, {
        origin,
        path: `${pathname}${search}`,
        method,
        headers: requestId === undefined ? sent : { ...sent, 'client-request-id': requestId },
        body: body ?? null,
        signal,
      });
      return {
        status: reply.statusCode,
        headers: Object.fromEntries(
          Object.entries(reply.headers).map(([name, value]) => [name, String(value)]),
        ),
        text: await reply.body.text(),
      };
    } catch (error) {
      throw new HttpError(signal.aborted ? 'timed_out' : classifyTransportError(error), error, url.origin);
    }
  }

  async function sendTraced(url: URL, httpRequest: HttpRequest, tracer: Telemetry): Promise<HttpResponse> {
    const trace = tracer.startSend(httpRequest.method, url);
    try {
      const response = await sendOnce(url, {
        ...httpRequest,
        headers: { ...httpRequest.headers, ...trace.headers },
      });
      trace.end({ status: response.status });
      return response;
    } catch (error) {
      trace.end({ failure: error instanceof HttpError ? error.transportFailure : 'connection_lost' });
      throw error;
    }
  }

  return {
    send(address, httpRequest) {
      const url = new URL(address);
      if (!telemetry) return sendOnce(url, httpRequest);
      const { call } = httpRequest;
      const send = () => sendTraced(url, httpRequest, telemetry);
      return call ? telemetry.traceCall(call, send) : send();
    },
    close: () => agent.close(),
  };
}

/** Codes of Node and undici for a connection that was never established, so that no request can have been sent. */
const connectFailureCodes =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|.*CERT.*|UNABLE_TO_.*)$/;

/** Codes of Node's HTTP parser and of undici for a response that is not HTTP, or is too long. */
const invalidResponseCodes = /^(HPE_.*|UND_ERR_RES_EXCEEDED_MAX_SIZE|UND_ERR_HEADERS_OVERFLOW)$/;

export function classifyTransportError(error: unknown): NonNullable<FailureDetails['transportFailure']> {
  if (error instanceof HttpError) return error.transportFailure;
  const { code, syscall } = systemErrorIn(error) ?? {};
  if (code && invalidResponseCodes.test(code)) return 'invalid_response';
  // An SDK fails like this if a response lacks the parts that it expects, and undici's parser has no code for what is not HTTP.
  if (code === undefined && isError(error) && /^(Type|Syntax|HTTPParser)Error$/.test(error.name))
    return 'invalid_response';
  // An open connection can time out or lose its route, too.
  const wasOpen = syscall === 'read' || syscall === 'write';
  return code && !wasOpen && connectFailureCodes.test(code) ? 'connect_failed' : 'connection_lost';
}

/** The error of Node.js or undici: this one, or its cause. */
function systemErrorIn(error: unknown): { code: string; syscall?: unknown } | undefined {
  if (!isError(error)) return undefined;
  if ('code' in error && typeof error.code === 'string') {
    return { code: error.code, syscall: 'syscall' in error ? error.syscall : undefined };
  }
  return systemErrorIn(error.cause);
}
