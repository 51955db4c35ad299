import { randomUUID } from 'node:crypto';
import { graphError } from '../graph/errors';
import { json, type Reply } from './exchange';

/** A requested failure, in the error format of the operation's service. */
export function statusReply(
  operation: string,
  status: number,
  headers: Record<string, string> = {},
  body: unknown = bodyOf(operation, status),
): Reply {
  if (typeof body !== 'string') return json(status, body, headers);
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

const names: Record<number, [code: string, message: string]> = {
  400: ['BadRequest', 'The request is not valid.'],
  401: ['Unauthorized', 'The request is not authorized.'],
  403: ['Forbidden', 'The request is forbidden.'],
  404: ['NotFound', 'The resource was not found.'],
  408: ['RequestTimeout', 'The request timed out.'],
  409: ['Conflict', 'The request conflicts with the current state.'],
  429: ['TooManyRequests', 'Please retry again later.'],
  500: ['InternalServerError', 'An internal error occurred.'],
  502: ['BadGateway', 'The gateway received an invalid response.'],
  503: ['ServiceUnavailable', 'The service is temporarily unavailable.'],
  504: ['GatewayTimeout', 'The gateway timed out.'],
};

function bodyOf(operation: string, status: number): unknown {
  const [code, message] = names[status] ?? ['Error', `Failure ${status}.`];
  const [service] = operation.split('.');
  if (service === 'graph') {
    const id = randomUUID();
    return graphError(status, code, message, { 'request-id': id, 'client-request-id': id });
  }
  if (service === 'managedIdentity') return { statusCode: status, message, correlationId: randomUUID() };
  if (service !== 'entra') return { error: { code, message } };
  const description = `AADSTS90033: A transient error has occurred. Please try again. (${message})`;
  return {
    error: status >= 429 ? 'temporarily_unavailable' : 'invalid_request',
    error_description: description,
    error_codes: [90033],
    timestamp: `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`,
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
  };
}
