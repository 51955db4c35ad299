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
      context.response = new Response(jsonBodyOf(response), {
        status: response.status,
        headers: { ...response.headers, 'content-type': 'application/json' },
      });
    } catch (error) {
      // The client passes on only errors of this class unchanged; all others lose their cause.
      const wrapper = new GraphClientError('no usable response');
      wrapper.customError = error;
      throw wrapper;
    }
  }
}

/** Null for an empty body. A failed response that is not JSON still counts by its status; a successful one is malformed. */
function jsonBodyOf({ status, text }: HttpResponse): string | null {
  if (status === 204 || text === '') return null;
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    if (status >= 400) return '{"error":{"message":"a response that is not JSON"}}';
    throw error;
  }
}
