import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';

/** Enough for two access tokens of a user in many groups. Node's default is half of it. */
export const maxHeaderBytes = 32 * 1024;

const clientErrorResponses: Readonly<Record<string, { status: string; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: `The request headers are too large. The limit is ${maxHeaderBytes} bytes.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    message: 'The request was not received in time. Send it again.',
  },
};

/**
 * Malformed HTTP never reaches the app, so it gets its response here, in the same format.
 *
 * @param documentation the page that explains the error codes
 */
export function respondToMalformedRequest(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  documentation?: string,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, message } = clientErrorResponses[error.code ?? ''] ?? {
    status: '400 Bad Request',
    message: 'Malformed HTTP request.',
  };
  const code = 'invalid_request';
  const link = documentation === undefined ? undefined : `${documentation}#${code}`;
  const body = JSON.stringify({ error: { code, message, documentation: link } });
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      `x-ms-error-code: ${code}`,
      `x-ms-request-id: ${randomUUID()}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
