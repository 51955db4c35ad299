import { timingSafeEqual } from 'node:crypto';
import { type EmulatorContext } from '../context';
import { type Call, NotEmulated } from '../http/exchange';
import { decodeJwt } from '../tokens/jwt';
import { checkCertificateAssertion } from './certificateAssertion';
import { fail } from './errors';
import { checkFederatedAssertion } from './federatedAssertion';
import { type Registration } from './registrations';

/** How a client authenticated, as tokens state it: not at all, by secret, or by assertion. */
export type ClientAuthentication = '0' | '1' | '2';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Authenticates a confidential client. */
export function authenticateClient(
  context: EmulatorContext,
  call: Call,
  fields: URLSearchParams,
  registration: Registration,
): Exclude<ClientAuthentication, '0'> {
  const assertion = fields.get('client_assertion');
  if (assertion) {
    if (fields.has('client_secret'))
      throw new NotEmulated('A client secret together with a client assertion');
    checkAssertion(context, call, fields, { assertion, registration });
    return '2';
  }
  checkSecret(context, fields.get('client_secret'), registration);
  return '1';
}

/** A public client needs no credential. If it sends one, the credential must be valid. */
export function authenticatePublicClient(
  context: EmulatorContext,
  call: Call,
  fields: URLSearchParams,
  registration: Registration,
): ClientAuthentication {
  const proves = fields.has('client_secret') || fields.has('client_assertion');
  return proves ? authenticateClient(context, call, fields, registration) : '0';
}

function checkAssertion(
  context: EmulatorContext,
  call: Call,
  fields: URLSearchParams,
  { assertion, registration }: { assertion: string; registration: Registration },
): void {
  const type = fields.get('client_assertion_type');
  if (!type) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900144,
      message: "The request body must contain the following parameter: 'client_assertion_type'.",
    });
  }
  if (type !== assertionType) throw new NotEmulated(`client_assertion_type=${type}`);
  const jwt = decodeJwt(assertion);
  if (!jwt) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 50027,
      message: 'JWT token is invalid or malformed.',
    });
  }
  // An application signs in its own name; other issuers are URLs.
  const federated = typeof jwt.claims.iss === 'string' && jwt.claims.iss.includes('://');
  if (federated) checkFederatedAssertion(context, jwt, registration);
  else checkCertificateAssertion(context, call, jwt, registration);
}

function checkSecret(context: EmulatorContext, secret: string | null, registration: Registration): void {
  if (!secret) {
    fail({
      status: 401,
      error: 'invalid_client',
      code: 7000218,
      message:
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    });
  }
  const actual = Buffer.from(secret);
  const { secrets } = context.directory.applications.credentials(registration.clientId);
  const valid = secrets.some((candidate) => {
    const expected = Buffer.from(candidate);
    return actual.length === expected.length && timingSafeEqual(actual, expected);
  });
  if (valid && context.directory.applications.hasExpired(secret, context.clock())) {
    fail({
      status: 401,
      error: 'invalid_client',
      code: 7000222,
      message:
        `The provided client secret keys for app '${registration.clientId}' are expired. Visit the Azure portal to ` +
        'create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for ' +
        'added security: https://aka.ms/certCreds.',
    });
  }
  if (valid) return;
  fail({
    status: 401,
    error: 'invalid_client',
    code: 7000215,
    message:
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not ' +
      `the client secret ID, for a secret added to app '${registration.clientId}'.`,
  });
}
