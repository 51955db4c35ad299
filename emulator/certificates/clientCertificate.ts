import { generateKeyPair, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { describeCertificate } from '../state/certificate';
import { selfSignedCertificate } from './selfSigned';

/** A key of an application and the certificate to register for it. */
export interface ClientCertificate {
  /** As PEM. */
  certificate: string;
  privateKey: string;
  /** In lower-case hex. */
  sha1: string;
  sha256: string;
}

const dayInMs = 24 * 3600 * 1000;

/** Makes an RSA key and a self-signed certificate, valid for a year by default. */
export async function createClientCertificate(
  validity: { notBefore?: Date; notAfter?: Date } = {},
): Promise<ClientCertificate> {
  const keys = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const der = selfSignedCertificate({
    commonName: 'client.emulator',
    keys,
    notBefore: validity.notBefore ?? new Date(Date.now() - dayInMs),
    notAfter: validity.notAfter ?? new Date(Date.now() + 365 * dayInMs),
  });
  const certificate = new X509Certificate(der);
  const { sha1, sha256 } = describeCertificate(certificate);
  const privateKey = keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { certificate: certificate.toString(), privateKey, sha1, sha256 };
}
