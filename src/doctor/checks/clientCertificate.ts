import { readFile } from 'node:fs/promises';
import { parseCertificate } from '../../entra/clientCredential/certificate';
import { daysUntil, expiryWarningInDays } from '../../entra/clientCredential/certificateCredential';
import { isError } from '../../errors';
import { problem, type Result, warning } from '../check';

const renew =
  'Create a new certificate, register it in addition to the old one, then replace the file: the server reads it again without a restart.';

/** What is wrong with the file, without a call to Entra ID; undefined if nothing is. */
export async function checkCertificate(path: string, now: number): Promise<Result | undefined> {
  let certificate;
  try {
    certificate = parseCertificate(await readFile(path, 'utf8'));
  } catch (error) {
    const reason = isError(error) ? error.message : 'unknown';
    return problem(
      `the file in AZURE_CLIENT_CERTIFICATE_PATH cannot be used: ${reason}`,
      'It must be a PEM file with the certificate and its RSA private key without a password, readable by the server.',
    );
  }
  const { thumbprint, validFrom, expires } = certificate;
  const days = Math.floor(daysUntil(expires, now));
  const date = expires.toISOString().slice(0, 10);
  if (expires.getTime() <= now) return problem(`the certificate ${thumbprint} expired on ${date}`, renew);
  if (validFrom.getTime() > now) {
    return problem(
      `the certificate ${thumbprint} is valid only from ${validFrom.toISOString()}`,
      "Compare this machine's clock first.",
    );
  }
  return days < expiryWarningInDays
    ? warning(`the certificate ${thumbprint} expires in ${days} days, on ${date}`, renew)
    : undefined;
}
