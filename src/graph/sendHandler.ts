import { type Context, GraphClientError, type Middleware } from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
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
 * A failed response counts by its status and headers, whatever its body is; a successful one that is not JSON is malformed.
 */
function toGraphResponse({ status, headers, text }: HttpResponse): NonNullable<Context['response']> {
  const body = status >= 400 ? { error: graphErrorIn(text) } : parseBody(status, text);
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
  return status === 204 || text === '' ? undefined : JSON.parse(text);
}

const errorReply = z.object({
  error: z.looseObject({
    code: z.string().optional().catch(undefined),
    message: z.string().catch(''),
    innerError: z.looseObject({}).optional().catch(undefined),
  }),
});

/** Never undefined: the Graph client loses the headers of a failed response, such as Retry-After, if its body has no error. */
function graphErrorIn(text: string): z.infer<typeof errorReply>['error'] {
  try {
    return errorReply.parse(JSON.parse(text)).error;
  } catch {
    return { message: 'a response without an error of Microsoft Graph' };
  }
}
