import { randomBytes, sign, type KeyObject } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  Certificate,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

export interface SelfSignedParts {
  commonName: string;
  /** RSA. */
  keys: { publicKey: KeyObject; privateKey: KeyObject };
  notBefore: Date;
  notAfter: Date;
}

const commonNameType = '2.5.4.3';
const sha256WithRsa = '1.2.840.113549.1.1.11';

/**
 * The certificate of an RSA key, signed with that key, in DER. It is put together here since the library's generator
 * signs asynchronously, and keys are rotated from one moment to the next.
 */
export function selfSignedCertificate({ commonName, keys, notBefore, notAfter }: SelfSignedParts): Buffer {
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: sha256WithRsa, parameters: null });
  const value = new AttributeValue({ utf8String: commonName });
  const name = new Name([
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonNameType, value })]),
  ]);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: signatureAlgorithm,
    issuer: name,
    validity: new Validity({ notBefore, notAfter }),
    subject: name,
    subjectPublicKeyInfo: AsnConvert.parse(
      keys.publicKey.export({ format: 'der', type: 'spki' }),
      SubjectPublicKeyInfo,
    ),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), keys.privateKey);
  const signatureValue = new Uint8Array(signature).buffer;
  return Buffer.from(
    AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm, signatureValue })),
  );
}

/** Positive, and without a leading zero byte, whatever the random rest is. */
function serialNumber(): ArrayBuffer {
  return new Uint8Array([0x01, ...randomBytes(15)]).buffer;
}
