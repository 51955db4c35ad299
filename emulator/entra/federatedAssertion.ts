import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { type EmulatorContext } from '../context';
import { isObject } from '../http/exchange';
import { type RegisteredFederatedCredential } from '../state/applications';
import { type Jwt } from '../tokens/jwt';
import { checkLifetime, invalidAssertion, invalidClient } from './assertionFailures';
import { type Registration } from './registrations';

const documentation = 'https://learn.microsoft.com/entra/workload-id/workload-identity-federation';

/** A token of another issuer, or of a managed identity, that is registered on the application. */
export function checkFederatedAssertion(
  context: EmulatorContext,
  jwt: Jwt,
  registration: Registration,
): void {
  const { federated } = context.directory.applications.credentials(registration.clientId);
  const credential = findCredential(federated, jwt);
  const own = context.names.issuers().includes(credential.issuer);
  if (!(own ? isSignedByEmulator(context, jwt) : isSignedBy(context.issuerKeys.of(credential), jwt))) {
    invalidAssertion('The signature could not be verified with the keys of the issuer.');
  }
  checkLifetime(context, jwt.claims);
}

/** Throws if no credential matches, and names the first part that differs. */
function findCredential(
  federated: readonly RegisteredFederatedCredential[],
  { claims }: Jwt,
): RegisteredFederatedCredential {
  const issuer = String(claims.iss);
  const subject = String(claims.sub);
  const audiences: unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (federated.length === 0) {
    invalidClient(
      70021,
      `No matching federated identity record found for presented assertion. Assertion Issuer: '${issuer}'. Assertion ` +
        `Subject: '${subject}'. Assertion Audience: '${audiences.join(', ')}'.`,
      documentation,
    );
  }
  const ofIssuer = federated.filter((candidate) => candidate.issuer === issuer);
  if (ofIssuer.length === 0) noMatch(700211, 'issuer', issuer);
  const forAudience = ofIssuer.filter((candidate) => audiences.includes(candidate.audience));
  if (forAudience.length === 0) noMatch(700212, 'audience', audiences.join(', '));
  return (
    forAudience.find((candidate) => candidate.subject === subject) ?? noMatch(700213, 'subject', subject)
  );
}

function noMatch(code: number, part: string, value: string): never {
  invalidClient(
    code,
    `No matching federated identity record found for presented assertion ${part} '${value}'. Check your federated ` +
      'identity credential Subject, Audience and Issuer against the presented assertion.',
    documentation,
  );
}

function isSignedByEmulator(context: EmulatorContext, { header, signed, signature }: Jwt): boolean {
  const key = context.keys.published().find(({ kid }) => kid === header.kid);
  return (
    key !== undefined &&
    header.alg === 'RS256' &&
    verify('sha256', Buffer.from(signed), key.publicKey, signature)
  );
}

function isSignedBy(keys: readonly object[], { header, signed, signature }: Jwt): boolean {
  if (header.alg !== 'RS256') return false;
  const candidates = keys.filter(
    (key) => isObject(key) && (header.kid === undefined || key.kid === header.kid),
  );
  return candidates.some((key) => {
    try {
      const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
      return verify('sha256', Buffer.from(signed), publicKey, signature);
    } catch {
      return false;
    }
  });
}
