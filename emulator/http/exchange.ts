import { type IncomingHttpHeaders } from 'node:http';

/** A request as a service sees it: read to its end, not yet interpreted. */
export interface Call {
  readonly method: string;
  /** Path and query exactly as they were sent, which is what an access key signs. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The values of the path's placeholders, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}

export type Handler = (call: Call) => Reply;

export function json(status: number, body: unknown, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}

export function noContent(headers: Reply['headers'] = {}): Reply {
  return { status: 204, headers, body: '' };
}

export function html(status: number, page: string, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      ...headers,
    },
    body: page,
  };
}

export function redirect(location: string, headers: Reply['headers'] = {}): Reply {
  return { status: 302, headers: { location, 'cache-control': 'no-store', ...headers }, body: '' };
}

export function header(call: Call, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export function form(call: Call): URLSearchParams {
  return new URLSearchParams(call.body.toString());
}

/** The form of a service that reads the body only if its type is that of a form. */
export function declaredForm(call: Call): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(header(call, 'content-type') ?? '');
  return isForm ? form(call) : new URLSearchParams();
}

/** The body as a JSON object; undefined if it is anything else. */
export function jsonObject(call: Call): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(call.body.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Thrown by a handler for a request that the real service supports and the emulator does not. */
export class NotEmulated extends Error {
  override readonly name = 'NotEmulated';

  toReply(): Reply {
    return json(501, { error: { code: 'NotEmulated', message: `${this.message} is not emulated` } });
  }
}
