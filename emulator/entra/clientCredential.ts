import { timingSafeEqual } from 'node:crypto';
import { NotEmulated } from '../http/exchange';
import { fail } from './errors';
import { type Registration } from './registrations';

/** Checks that a confidential client is who it says it is. */
export function checkSecret(fields: URLSearchParams, registration: Registration): void {
  if (fields.has('client_assertion')) throw new NotEmulated('A client assertion instead of a client secret');
  const secret = fields.get('client_secret');
  if (!secret) {
    fail({
      status: 401,
      error: 'invalid_client',
      code: 7000218,
      message:
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    });
  }
  const [given, expected] = [Buffer.from(secret), Buffer.from(registration.clientSecret)];
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  fail({
    status: 401,
    error: 'invalid_client',
    code: 7000215,
    message:
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not ' +
      `the client secret ID, for a secret added to app '${registration.clientId}'.`,
  });
}
