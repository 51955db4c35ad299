import { Agent, request } from 'undici';

export interface CallOptions {
  path: string;
  method?: 'GET' | 'POST' | 'DELETE';
  token?: string;
  headers?: Record<string, string>;
}

export interface CallResult {
  readonly status: number;
  readonly retryAfterInSeconds: number | undefined;
  readonly body: string;
  readonly milliseconds: number;
}

const agent = new Agent({ connections: 512, keepAliveTimeout: 60_000 });

/** Sends one request over a keep-alive connection and measures the time until the last byte. */
export async function call(
  url: string,
  { path, method = 'GET', token, headers = {} }: CallOptions,
): Promise<CallResult> {
  const startedAt = performance.now();
  const reply = await request(`${url}${path}`, {
    dispatcher: agent,
    method,
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });
  const body = await reply.body.text();
  const retryAfter = reply.headers['retry-after'];
  return {
    status: reply.statusCode,
    retryAfterInSeconds: typeof retryAfter === 'string' ? Number(retryAfter) : undefined,
    body,
    milliseconds: performance.now() - startedAt,
  };
}
