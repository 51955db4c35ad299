import { randomUUID } from 'node:crypto';
import { type Call, header, json, type Reply } from '../http/exchange';

/** An error of Entra: the OAuth error code, Entra's own number, and its text. */
export interface EntraFailure {
  status: number;
  error: string;
  code: number;
  message: string;
  suberror?: string;
  /** The claims that a new sign-in must request, as JSON. */
  claims?: string;
}

export class EntraError extends Error {
  override readonly name = 'EntraError';

  constructor(readonly failure: EntraFailure) {
    super(failure.message);
  }
}

export function fail(failure: EntraFailure): never {
  throw new EntraError(failure);
}

/** The description as Entra writes it, with the ids for a support request. */
export function describe(
  failure: EntraFailure,
  call: Call,
): Record<string, unknown> & { error_description: string; trace_id: string; error_uri: string } {
  const traceId = randomUUID();
  const correlationId =
    call.query.get('client-request-id') ?? header(call, 'client-request-id') ?? randomUUID();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    error: failure.error,
    error_description:
      `AADSTS${failure.code}: ${failure.message}\r\nTrace ID: ${traceId}\r\n` +
      `Correlation ID: ${correlationId}\r\nTimestamp: ${timestamp}`,
    error_codes: [failure.code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${failure.code}`,
    ...(failure.suberror === undefined ? {} : { suberror: failure.suberror }),
    ...(failure.claims === undefined ? {} : { claims: failure.claims }),
  };
}

export function errorReply(failure: EntraFailure, call: Call): Reply {
  const body = describe(failure, call);
  return json(failure.status, body, { ...noStore, 'x-ms-request-id': body.trace_id });
}

export const noStore = { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' };

/** A time as Entra writes it into its messages: with seven digits of a second. */
export function messageTime(seconds: unknown): string {
  const date = new Date(typeof seconds === 'number' ? seconds * 1000 : NaN);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().replace('Z', '0000Z');
}
