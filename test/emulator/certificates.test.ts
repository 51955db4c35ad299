import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { createAuthority, loopback } from '../../emulator/certificates/authority';
import { ensureCertificates } from '../../emulator/certificates/loopbackCertificates';
import { startEmulator } from '../../emulator/startEmulator';

const dayInMs = 24 * 3600 * 1000;

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'certificates-'))));
afterEach(() => rm(folder, { recursive: true }));

test('concurrent starts create one set of certificates, readable by its owner only', async () => {
  const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => ensureCertificates(folder)));
  const files = (await readdir(folder)).sort();

  for (const other of others) expect(other).toEqual(first);
  expect(await ensureCertificates(folder)).toEqual(first);
  expect(files).toEqual(['ca.pem', 'cert.pem', 'key.pem']);
  if (process.platform === 'win32') return;
  for (const file of files) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
});

test('the certificate is for loopback names, from an authority whose key is not kept', async () => {
  const { certificate, authority, key } = await ensureCertificates(folder);
  const [leaf, parent] = [new X509Certificate(certificate), new X509Certificate(authority)];

  expect(leaf.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  expect(leaf.checkIssued(parent) && leaf.verify(parent.publicKey)).toBe(true);
  expect([leaf.ca, parent.ca]).toEqual([false, true]);
  expect([leaf, parent].map((each) => each.checkPrivateKey(createPrivateKey(key)))).toEqual([true, false]);
});

test('damaged files are replaced', async () => {
  const before = await ensureCertificates(folder);
  await writeFile(join(folder, 'cert.pem'), before.certificate.slice(0, 100));

  const after = await ensureCertificates(folder);
  expect(after.certificate).not.toBe(before.certificate);
});

test.each([
  { days: 29, renewed: true },
  { days: 31, renewed: false },
])('certificates valid for $days more days are renewed: $renewed', async ({ days, renewed }) => {
  const authority = await createAuthority(validFor(days));
  const { certificate, key } = await authority.issue(loopback);
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await writeFile(join(folder, 'cert.pem'), certificate);
  await writeFile(join(folder, 'key.pem'), key);

  const now = await ensureCertificates(folder);
  expect(now.certificate !== certificate).toBe(renewed);
  expect(now.authority !== authority.certificate).toBe(renewed);
});

test.each(['localhost', '127.0.0.1'])('a client that trusts the authority accepts %s', async (host) => {
  const { authority } = await ensureCertificates(folder);
  const emulator = await startEmulator({ certificateFolder: folder });
  try {
    expect(await handshake({ host, port: Number(new URL(emulator.url).port), ca: authority })).toBe('good');
  } finally {
    await emulator.stop();
  }
});

test.each([
  { host: { name: 'localhost', addresses: ['::1'] }, verdict: 'good' },
  { host: { name: 'localhost', addresses: ['127.0.0.2'] }, verdict: 'permitted subtree violation' },
  { host: { name: 'localhost', addresses: ['::2'] }, verdict: 'permitted subtree violation' },
  { host: { name: 'login.example', addresses: [] }, verdict: 'permitted subtree violation' },
])('a certificate of the authority for $host.name $host.addresses: $verdict', async ({ host, verdict }) => {
  const authority = await createAuthority(validFor(1));
  const { certificate, key } = await authority.issue(host);
  const server = createServer({ cert: certificate, key });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    expect(
      await handshake({ host: '127.0.0.1', servername: host.name, port, ca: authority.certificate }),
    ).toBe(verdict);
  } finally {
    server.close();
  }
});

function validFor(days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - dayInMs), notAfter: new Date(Date.now() + days * dayInMs) };
}

/** `good`, or why the client rejects the certificate. */
function handshake(to: { host: string; servername?: string; port: number; ca: string }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(to, () => {
      socket.destroy();
      resolve('good');
    });
    socket.on('error', (error) => resolve(error.message));
  });
}
