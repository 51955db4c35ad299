import type { ApplicationCertificate } from './certificate';
import { CertificateFileError, parseCertificate } from './certificate';
import type { ClientCredential, ClientCredentialOptions } from './clientCredential';
import { createReloadedFile } from './reloadedFile';
import { isError } from '../../errors';

/** Before a certificate expires, its operator is warned for so long. */
export const expiryWarningInDays = 30;

/** A certificate that is read again when its file changes. MSAL signs an assertion with it for each exchange. */
export async function createCertificateCredential(
  path: string,
  { timings, log }: ClientCredentialOptions,
): Promise<ClientCredential> {
  const setting = 'AZURE_CLIENT_CERTIFICATE_PATH';
  const file = createReloadedFile({
    path,
    setting,
    parse: parseCertificate,
    onLoaded({ thumbprint, expires }) {
      const facts = { thumbprint, expires: expires.toISOString() };
      if (daysUntil(expires) < expiryWarningInDays) log.warn(facts, 'the client certificate expires soon');
      else log.info(facts, 'loaded the client certificate');
    },
    timeLimitInMs: timings.attemptInMs,
    log,
  });
  let certificate = await file.current().catch((error: unknown) => {
    throw new CertificateFileError(`${setting} cannot be used: ${reasonOf(error)}`);
  });

  return {
    async forMsal() {
      certificate = await file.current();
      const { privateKey, chain: x5c, thumbprintSha256 } = certificate;
      return { clientCertificate: { privateKey, x5c, thumbprintSha256 } };
    },
    describe: () => ({ setting, ...describeCertificate(certificate) }),
  };
}

export function describeCertificate({ thumbprint, expires }: ApplicationCertificate) {
  return { thumbprint, expires: expires.toISOString() };
}

export function daysUntil(date: Date, now = Date.now()): number {
  return (date.getTime() - now) / 86_400_000;
}

/** An error of the file system has the path and a code such as ENOENT, but nothing of the content. */
function reasonOf(error: unknown): string {
  return isError(error) ? error.message : 'unknown';
}
