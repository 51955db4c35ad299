import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Enough for two access tokens of a user in many groups. Node's default is half of it. */
export const maxHeaderBytes = 32 * 1024;

/** The client may still be sending: if the connection were closed immediately, it could lose the response. */
const closeDelayInMs = 1_000;

/** The response to a request that does not reach the app, in the format of the app's errors. */
interface Refusal {
  readonly status: number;
  readonly message: string;
}

const malformed: Refusal = { status: 400, message: 'Malformed HTTP request.' };
const refusalsByErrorCode: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    message: `The request headers are too large. The limit is ${maxHeaderBytes} bytes.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    message: 'The request was not received in time. Send it again.',
  },
};
export const unknownExpectation: Refusal = {
  status: 417,
  message: 'The value of the Expect header is not supported. Send the request without it.',
};

/**
 * Refuses requests that Node.js passes on but that the app cannot handle: without Host or with several (RFC 9112, section 3.2), or with
 * an address that has no path. Express reads a path only, so that of an address is left in the request.
 */
export function findRefusal(request: IncomingMessage): Refusal | undefined {
  if (request.headers.host === undefined && request.httpVersion === '1.1')
    return { status: 400, message: 'The request has no Host header.' };
  if (countHosts(request) > 1) return { status: 400, message: 'The request has several Host headers.' };
  const { url = '' } = request;
  if (url.startsWith('/') || url === '*') return undefined;
  const path = URL.canParse(url) ? url.replace(/^[a-z][\w+.-]*:\/\/[^/?#]*/i, '') : '';
  if (!path.startsWith('/')) return { status: 400, message: 'The address of the request is malformed.' };
  request.url = path;
  return undefined;
}

/** Of several, Node.js keeps the first in `headers`, and a proxy may have kept another. */
function countHosts({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.length === 4 && /^host$/i.test(text))
    .length;
}

/** @param documentation the page that explains the error codes */
export function refuseRequest(response: ServerResponse, refusal: Refusal, documentation?: string): void {
  const { headers, body } = render(refusal, documentation);
  response.writeHead(refusal.status, headers).end(body);
}

/** For requests that Node.js cannot read, and so has no response for. */
export function refuseConnection(
  { code = '' }: NodeJS.ErrnoException,
  socket: Duplex,
  documentation?: string,
): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = refusalsByErrorCode[code] ?? malformed;
  const { headers, body } = render(refusal, documentation);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end(
    [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`, ...lines, '', body].join('\r\n'),
    () => setTimeout(() => socket.destroy(), closeDelayInMs).unref(),
  );
}

function render({ message }: Refusal, documentation: string | undefined) {
  const code = 'invalid_request';
  const link = documentation === undefined ? undefined : `${documentation}#${code}`;
  const body = JSON.stringify({ error: { code, message, documentation: link } });
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'x-ms-error-code': code,
    'x-ms-request-id': randomUUID(),
    Connection: 'close',
  };
  return { headers, body };
}
