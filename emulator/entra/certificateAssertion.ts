import { constants, verify, X509Certificate } from 'node:crypto';
import { type EmulatorContext } from '../context';
import { type Call } from '../http/exchange';
import { tenantId } from '../seed';
import { type Certificate, describeCertificate } from '../state/certificate';
import { type Jwt } from '../tokens/jwt';
import { checkLifetime, invalidAssertion, invalidClient } from './assertionFailures';
import { type Registration } from './registrations';

/** A JWT that the application signed with the key of a certificate that is registered on it (RFC 7523). */
export function checkCertificateAssertion(
  context: EmulatorContext,
  call: Call,
  jwt: Jwt,
  registration: Registration,
): void {
  const { sha1, sha256 } = thumbprintsOf(jwt);
  const shown = (sha1 ?? sha256 ?? '').toUpperCase();
  // A certificate may be registered twice: by its thumbprint, and as a whole.
  const certificate = context.directory.applications
    .credentials(registration.clientId)
    .certificates.filter((each) => isSame(each.sha1, sha1) || isSame(each.sha256, sha256))
    .map((registered) => certificateOf(registered, jwt))
    .find((each) => each !== undefined);
  if (!certificate) {
    invalidAssertion(
      `The key was not found., Thumbprint of key used by client: '${shown}', Please visit the Azure Portal, Graph ` +
        `Explorer or directly use MS Graph to see configured keys for app Id '${registration.clientId}'.`,
    );
  }
  const found = `Thumbprint of key used by client: '${shown}', Found key 'Start=${certificate.validFrom}, End=${certificate.validTo}'`;
  const now = context.clock();
  if (Date.parse(certificate.validTo) < now) invalidAssertion(`The key used is expired., ${found}`);
  if (Date.parse(certificate.validFrom) > now) invalidAssertion(`The key used is not yet valid., ${found}`);
  if (!isSignedWith(jwt, certificate)) {
    invalidAssertion(`Key was found, but use of the key to verify the signature failed., ${found}`);
  }
  checkClaims(context, call, jwt, registration);
}

function checkClaims(
  context: EmulatorContext,
  call: Call,
  { claims }: Jwt,
  registration: Registration,
): void {
  if (claims.iss !== registration.clientId || claims.sub !== registration.clientId) {
    invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.");
  }
  if (!audiences(context, call).includes(String(claims.aud))) {
    invalidClient(700023, 'Client assertion audience claim does not match Realm issuer.');
  }
  checkLifetime(context, claims);
  const { jti, exp } = claims;
  if (!context.switches.refuseReplayedAssertions) return;
  if (typeof jti === 'string' && context.usedAssertions.use(jti, Number(exp) * 1000, context.clock())) return;
  invalidAssertion('The assertion was used before, or has no jti.');
}

/** The token endpoint, of either version, or the issuer. */
function audiences(context: EmulatorContext, call: Call): string[] {
  const tenants = [tenantId, call.params.tenant ?? tenantId];
  return context.names
    .authorities()
    .flatMap((origin) => tenants.map((tenant) => `${origin}/${tenant}`))
    .flatMap((base) => [`${base}/oauth2/v2.0/token`, `${base}/oauth2/token`, `${base}/v2.0`]);
}

function thumbprintsOf({ header }: Jwt): Certificate {
  const hex = (value: unknown): string | undefined =>
    typeof value === 'string' ? Buffer.from(value, 'base64url').toString('hex') : undefined;
  const [sha1, sha256] = [hex(header.x5t), hex(header['x5t#S256'])];
  return { ...(sha1 === undefined ? {} : { sha1 }), ...(sha256 === undefined ? {} : { sha256 }) };
}

function isSame(registered: string | undefined, presented: string | undefined): boolean {
  return registered !== undefined && registered === presented;
}

/** If only a thumbprint is registered, the client must send the certificate. */
function certificateOf(registered: Certificate, { header }: Jwt): X509Certificate | undefined {
  if (registered.certificate) return registered.certificate;
  const chain: unknown = header.x5c;
  const first: unknown = Array.isArray(chain) ? chain[0] : chain;
  if (typeof first !== 'string') return undefined;
  try {
    const sent = describeCertificate(new X509Certificate(Buffer.from(first, 'base64')));
    const same = isSame(registered.sha1, sent.sha1) || isSame(registered.sha256, sent.sha256);
    return same ? sent.certificate : undefined;
  } catch {
    return undefined;
  }
}

function isSignedWith({ header, signed, signature }: Jwt, { publicKey }: X509Certificate): boolean {
  if (publicKey.asymmetricKeyType !== 'rsa') return false;
  const content = Buffer.from(signed);
  if (header.alg === 'RS256') return verify('sha256', content, publicKey, signature);
  if (header.alg !== 'PS256') return false;
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return verify('sha256', content, { key: publicKey, ...padding }, signature);
}
