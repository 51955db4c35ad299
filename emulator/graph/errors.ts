import { randomUUID } from 'node:crypto';
import { type Call, header, json, type Reply } from '../http/exchange';

export class GraphError extends Error {
  override readonly name = 'GraphError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }

  toReply(call: Call): Reply {
    const ids = requestIds(call);
    const body = graphError(this.status, this.code, this.message, ids);
    return json(this.status, body, { 'content-type': 'application/json', ...ids, ...this.headers });
  }
}

export function graphError(
  status: number,
  code: string,
  message: string,
  ids: Record<string, string>,
): { error: Record<string, unknown> } {
  const date = new Date().toISOString().slice(0, 19);
  // As in Microsoft's description of throttling.
  const throttled = { code: '429', message: 'Please retry after', status: '429' };
  return { error: { code, message, innerError: { ...(status === 429 ? throttled : {}), date, ...ids } } };
}

export function requestIds(call: Call): { 'request-id': string; 'client-request-id': string } {
  const id = randomUUID();
  return { 'request-id': id, 'client-request-id': header(call, 'client-request-id') ?? id };
}
