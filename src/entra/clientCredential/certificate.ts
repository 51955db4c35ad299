import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** A certificate of the application with its private key. */
export interface ApplicationCertificate {
  /** PEM, as MSAL takes it. */
  readonly privateKey: string;
  /** PEM: the certificate first, then the others of the file. */
  readonly chain: string;
  /** Hex, in upper case, as the portal shows it. */
  readonly thumbprint: string;
  readonly thumbprintSha256: string;
  readonly validFrom: Date;
  readonly expires: Date;
}

/** Why a file cannot be used as a certificate. Reveals nothing of its content. */
export class CertificateFileError extends Error {
  override readonly name = 'CertificateFileError';
}

interface Block {
  readonly label: string;
  readonly text: string;
}

/** Reads a PEM file with one private key and certificates in any order. Throws CertificateFileError. */
export function parseCertificate(pem: string): ApplicationCertificate {
  const blocks = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[^]+?-----END \1-----/g)].map(
    ([text, label = '']): Block => ({ label, text }),
  );
  const key = readPrivateKey(blocks);
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE').map(readCertificate);
  if (certificates.length === 0) throw new CertificateFileError('it has no certificate in PEM');
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (!own) throw new CertificateFileError('its private key does not belong to its certificate');
  const others = certificates.filter((certificate) => certificate !== own);
  const thumbprint = (text: string) => text.replaceAll(':', '');
  return {
    privateKey: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    chain: [own, ...others].map((certificate) => certificate.toString()).join(''),
    thumbprint: thumbprint(own.fingerprint),
    thumbprintSha256: thumbprint(own.fingerprint256),
    validFrom: new Date(own.validFrom),
    expires: new Date(own.validTo),
  };
}

function readPrivateKey(blocks: readonly Block[]): KeyObject {
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [first] = keys;
  if (!first) throw new CertificateFileError('it has no private key in PEM');
  if (keys.length > 1) throw new CertificateFileError('it has several private keys');
  if (first.label.startsWith('ENCRYPTED') || first.text.includes('ENCRYPTED')) {
    throw new CertificateFileError('its private key has a password: store it without one');
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(first.text);
  } catch {
    throw new CertificateFileError('its private key is malformed');
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw new CertificateFileError('its private key is not an RSA key, which Microsoft Entra ID requires');
  }
  return key;
}

function readCertificate({ text }: Block): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new CertificateFileError('a certificate in it is malformed');
  }
}
