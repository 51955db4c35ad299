import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { ensureCertificates } from '../../emulator/certificates/loopbackCertificates';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** How long an action on a page may take, in ms: only an end for a page that hangs, however busy the machine is. */
export const pageTimeout = 60_000;

/** A real browser. By default it trusts the emulator's certificate, and no other unknown one. */
export async function startBrowser({ trustsEmulator = true } = {}): Promise<Browser> {
  if (!existsSync(executablePath)) {
    throw new Error(
      `There is no browser at ${executablePath}: apt-get install chromium, or name one in CHROMIUM_PATH.`,
    );
  }
  return await chromium.launch({
    executablePath,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...(trustsEmulator ? [`--ignore-certificate-errors-spki-list=${await emulatorsKey()}`] : []),
    ],
  });
}

/** The fingerprint of the public key in the emulator's certificate. */
async function emulatorsKey(): Promise<string> {
  const { certificate } = await ensureCertificates();
  const publicKey = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(publicKey).digest('base64');
}
