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
    const date = new Date().toISOString().slice(0, 19);
    const innerError = { date, ...ids };
    const body = { error: { code: this.code, message: this.message, innerError } };
    return json(this.status, body, { 'content-type': 'application/json', ...ids, ...this.headers });
  }
}

export function requestIds(call: Call): { 'request-id': string; 'client-request-id': string } {
  const id = randomUUID();
  return { 'request-id': id, 'client-request-id': header(call, 'client-request-id') ?? id };
}
