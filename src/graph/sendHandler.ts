import { type Context, GraphClientError, type Middleware } from '@microsoft/microsoft-graph-client';
import type { HttpClient, HttpRequest, HttpResponse } from '../resilience/httpClient';

/** The options that the Graph client puts into a request; its own type relies on the browser's. */
interface SendOptions {
  method: HttpRequest['method'];
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/** The last handler in the Graph client's chain: sends through our own HTTP client and rejects responses that are not JSON. */
export class SendHandler implements Middleware {
  constructor(private readonly http: HttpClient) {}

  async execute(context: Context): Promise<void> {
    const { method, headers, body, signal } = context.options as unknown as SendOptions;
    try {
      const response = await this.http.send(String(context.request), { method, headers, body, signal });
      context.response = toGraphResponse(response);
    } catch (error) {
      // The client passes on only errors of this class unchanged; all others lose their cause.
      const wrapper = new GraphClientError('no usable response');
      wrapper.customError = error;
      throw wrapper;
    }
  }
}

/**
 * What the Graph client reads of a response. Node's own `Response` would load its fetch implementation with the first call.
 * A failed response that is not JSON still counts by its status; a successful one is malformed.
 */
function toGraphResponse({ status, headers, text }: HttpResponse): NonNullable<Context['response']> {
  const isEmpty = status === 204 || text === '';
  const body: unknown = isEmpty ? undefined : parseBody(status, text);
  const allHeaders: Record<string, string> = { ...headers, 'content-type': 'application/json' };
  const response = {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name: string) => allHeaders[name.toLowerCase()] ?? null },
    body: null,
    json: () => Promise.resolve(body),
    text: () => Promise.resolve(text),
  };
  return response as unknown as NonNullable<Context['response']>;
}

function parseBody(status: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (status >= 400) return { error: { message: 'a response that is not JSON' } };
    throw error;
  }
}
