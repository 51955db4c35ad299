import type { ApplicationCertificate } from './certificate';
import { CertificateFileError, parseCertificate } from './certificate';
import type { ClientCredential, ClientCredentialOptions } from './clientCredential';
import { createReloadedFile } from './reloadedFile';
import { isError } from '../../errors';

/** The operator is warned this long before a certificate expires. */
export const expiryWarningInDays = 30;
/** The warning is repeated, since the server may run for months. */
const warningIntervalInMs = 86_400_000;

/** A certificate that is read again when its file changes. MSAL signs an assertion with it for each exchange. */
export async function createCertificateCredential(
  path: string,
  { timings, log, telemetry }: ClientCredentialOptions,
): Promise<ClientCredential> {
  const setting = 'AZURE_CLIENT_CERTIFICATE_PATH';
  let warnedAt = -Infinity;
  const warnIfExpiring = (loaded: ApplicationCertificate): void => {
    const remaining = daysUntil(loaded.expires);
    if (remaining >= expiryWarningInDays || Date.now() - warnedAt < warningIntervalInMs) return;
    warnedAt = Date.now();
    log.warn(
      describeCertificate(loaded),
      remaining > 0 ? 'the client certificate expires soon' : 'the client certificate has expired',
    );
  };
  const file = createReloadedFile({
    path,
    setting,
    parse: parseCertificate,
    onLoaded(loaded) {
      // Logged even with a warning: an operator who rotates the certificate waits for this line.
      log.info(describeCertificate(loaded), 'loaded the client certificate');
      warnedAt = -Infinity;
      warnIfExpiring(loaded);
    },
    timeLimitInMs: timings.attemptInMs,
    log,
  });
  let certificate = await file.current().catch((error: unknown) => {
    throw new CertificateFileError(`${setting} cannot be used: ${reasonOf(error)}`);
  });

  /** Reads the file again and warns the operator in time, without a restart. */
  async function currentCertificate(): Promise<ApplicationCertificate> {
    certificate = await file.current();
    warnIfExpiring(certificate);
    return certificate;
  }
  telemetry?.observeCertificate(async () => (await currentCertificate()).expires);

  return {
    async forMsal() {
      const { privateKey, chain: x5c, thumbprintSha256 } = await currentCertificate();
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
