import { createHash, createHmac } from 'node:crypto';
import { type Emulator } from '../../emulator/startEmulator';

export interface AcsRequest {
  method?: string;
  path: string;
  body?: unknown;
  apiVersion?: string | null;
  /** Changes the request after signing. */
  tamper?: (request: { body: string; headers: Record<string, string> }) => void;
  date?: Date;
}

/** A manually signed call, for requests that the SDK would never send. */
export async function callAcs(emulator: Emulator, request: AcsRequest): Promise<Response> {
  const key = /accesskey=(.+)$/.exec(emulator.communicationResource.connectionString)?.[1] ?? '';
  const method = request.method ?? 'POST';
  const { apiVersion = '2023-10-01' } = request;
  const target = apiVersion === null ? request.path : `${request.path}?api-version=${apiVersion}`;
  const body = request.body === undefined ? '' : JSON.stringify(request.body);
  const date = (request.date ?? new Date()).toUTCString();
  const contentHash = createHash('sha256').update(body).digest('base64');
  const signed = `${method}\n${target}\n${date};${new URL(emulator.url).host};${contentHash}`;
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(signed).digest('base64');
  const headers = {
    'content-type': 'application/json',
    'x-ms-date': date,
    'x-ms-content-sha256': contentHash,
    authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
  };
  const sent = { body, headers };
  request.tamper?.(sent);
  return await fetch(`${emulator.url}${target}`, {
    method,
    headers: sent.headers,
    ...(sent.body === '' ? {} : { body: sent.body }),
  });
}
