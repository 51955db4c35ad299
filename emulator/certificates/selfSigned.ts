import { createHash, sign, type KeyObject } from 'node:crypto';
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
 * The self-signed certificate of an RSA key, in DER. It is built here because the library's generator is asynchronous,
 * and key rotation is not.
 */
export function selfSignedCertificate({ commonName, keys, notBefore, notAfter }: SelfSignedParts): Buffer {
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: sha256WithRsa, parameters: null });
  const value = new AttributeValue({ utf8String: commonName });
  const name = new Name([
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonNameType, value })]),
  ]);
  const publicKey = keys.publicKey.export({ format: 'der', type: 'spki' });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(publicKey),
    signature: signatureAlgorithm,
    issuer: name,
    validity: new Validity({ notBefore, notAfter }),
    subject: name,
    subjectPublicKeyInfo: AsnConvert.parse(publicKey, SubjectPublicKeyInfo),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), keys.privateKey);
  const signatureValue = new Uint8Array(signature).buffer;
  return Buffer.from(
    AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm, signatureValue })),
  );
}

/** A positive number without a leading zero byte: the same for the same key, so that its certificate is the same, too. */
function serialNumber(publicKey: Buffer): ArrayBuffer {
  const hash = createHash('sha256').update(publicKey).digest();
  return new Uint8Array([0x01, ...hash.subarray(0, 15)]).buffer;
}
