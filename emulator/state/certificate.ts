import { X509Certificate } from 'node:crypto';

/** A certificate that is registered on an application. */
export interface Certificate {
  /** Thumbprints in lower-case hex. If only a thumbprint was registered, the other one is unknown. */
  sha1?: string;
  sha256?: string;
  certificate?: X509Certificate;
}

/** @param text a certificate as PEM, or its thumbprint in hex */
export function readCertificate(text: string): Certificate {
  const thumbprint = text.trim().replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{40}$/.test(thumbprint)) return { sha1: thumbprint };
  if (/^[0-9a-f]{64}$/.test(thumbprint)) return { sha256: thumbprint };
  return describeCertificate(parse(text));
}

export function describeCertificate(certificate: X509Certificate): Required<Certificate> {
  const hex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();
  return { sha1: hex(certificate.fingerprint), sha256: hex(certificate.fingerprint256), certificate };
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Error('A certificate must be PEM, or a SHA-1 or SHA-256 thumbprint in hex.');
  }
}
