import { request } from 'node:http';
import type { ApiResponse } from './responses';

export interface RawRequest {
  method: string;
  path: string;
  /** Name, value, name, value: so that a header can be sent twice. */
  headers?: readonly string[];
  body?: string;
}

/** Sends requests that other clients would not send; a body is chunked, without Content-Length. */
export function rawRequest(
  url: string,
  { method, path, headers = [], body }: RawRequest,
): Promise<ApiResponse> {
  const { hostname, port, host } = new URL(url);
  const chunked = body === undefined ? [] : ['Transfer-Encoding', 'chunked'];
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        method,
        path,
        headers: ['Host', host, 'Connection', 'close', ...chunked, ...headers],
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const json: unknown = text === '' ? undefined : JSON.parse(text);
          const flat = Object.entries(response.headers).map(([name, value]) => [name, value?.toString()]);
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(flat) as ApiResponse['headers'],
            body: json,
          });
        });
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
