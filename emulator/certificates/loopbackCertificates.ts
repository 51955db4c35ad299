import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../errorCode';
import { replaceFile } from '../replaceFile';
import { createAuthority, type Host, loopback, type Permitted } from './authority';
import { projectCertificateFolder } from './certificateFolders';

export interface LoopbackCertificates {
  /** The file to name in NODE_EXTRA_CA_CERTS (or curl's --cacert). */
  authorityFile: string;
  authority: string;
  certificate: string;
  key: string;
}

const dayInMs = 24 * 3600 * 1000;
const lifetimeInMs = 365 * dayInMs;
const renewalInMs = 30 * dayInMs;
const staleLockInMs = 30_000;

/** The certificates of the folder; created if there are none, or none that are valid for another month. */
export async function ensureCertificates(
  folder = projectCertificateFolder(),
  host = loopback,
  permitted?: Permitted,
): Promise<LoopbackCertificates> {
  const found = await findCertificates(folder, host);
  if (found) return found;
  await mkdir(folder, { recursive: true });
  return await withLock(join(folder, 'lock'), async () => {
    // The previous holder of the lock may have created them.
    const made = await findCertificates(folder, host);
    if (made) return made;
    const fresh = await createCertificates(host, permitted);
    replaceFile(join(folder, 'key.pem'), fresh.key);
    replaceFile(join(folder, 'cert.pem'), fresh.certificate);
    replaceFile(join(folder, 'ca.pem'), fresh.authority);
    return { ...fresh, authorityFile: join(folder, 'ca.pem') };
  });
}

async function findCertificates(folder: string, host: Host): Promise<LoopbackCertificates | undefined> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  try {
    const [authority, certificate, key] = await Promise.all([
      read('ca.pem'),
      read('cert.pem'),
      read('key.pem'),
    ]);
    const [parent, leaf] = [new X509Certificate(authority), new X509Certificate(certificate)];
    // Another process may be replacing them one by one.
    const belongTogether = leaf.verify(parent.publicKey) && leaf.checkPrivateKey(createPrivateKey(key));
    const good = Date.parse(leaf.validTo) - Date.now() > renewalInMs;
    const names = leaf.subjectAltName?.split(', ') ?? [];
    const complete = [host.name, ...(host.otherNames ?? [])].every((name) => names.includes(`DNS:${name}`));
    return belongTogether && good && complete
      ? { authorityFile: join(folder, 'ca.pem'), authority, certificate, key }
      : undefined;
  } catch {
    return undefined;
  }
}

async function createCertificates(
  host: Host,
  permitted?: Permitted,
): Promise<{ authority: string; certificate: string; key: string }> {
  const validity = {
    notBefore: new Date(Date.now() - dayInMs),
    notAfter: new Date(Date.now() + lifetimeInMs),
  };
  const authority = await createAuthority(validity, permitted);
  return { authority: authority.certificate, ...(await authority.issue(host)) };
}

/** Processes may start concurrently. The lock is a folder, which only one of them can create. */
async function withLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (!(await tryLock(lock))) await sleep(50);
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function tryLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const since = await stat(lock).catch(() => undefined);
    // The holder was killed, because creating certificates takes milliseconds.
    if (since && Date.now() - since.mtimeMs > staleLockInMs) await rm(lock, { recursive: true, force: true });
    return false;
  }
}
