// The library needs the metadata of decorators, so this must be loaded first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface Authority {
  /** PEM, like the certificates that it issues. */
  certificate: string;
  issue(host: Host): Promise<{ certificate: string; key: string }>;
}

export interface Host {
  name: string;
  otherNames?: readonly string[];
  addresses: string[];
}

/** The names that an authority may issue certificates for: domains with their subdomains, and addresses. */
export interface Permitted {
  domains: readonly string[];
  addresses: readonly string[];
}

export const loopback: Host = { name: 'localhost', addresses: ['127.0.0.1', '::1'] };

const elliptic = { name: 'ECDSA', namedCurve: 'P-256' };
const signing: webcrypto.KeyUsage[] = ['sign', 'verify'];

/**
 * A certificate authority that is valid for loopback names only, by default, so that it is safe in a trust
 * store. Its private key cannot be exported and is lost with this object.
 */
export async function createAuthority(
  validity: { notBefore: Date; notAfter: Date },
  permitted: Permitted = { domains: [loopback.name], addresses: loopback.addresses },
): Promise<Authority> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(elliptic, false, signing);
  const name = [{ CN: [`Loopback emulator ${new Date().toISOString()}`] }];
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      onlyFor(permitted),
    ],
  });
  return {
    certificate: toPem(authority.rawData, PemConverter.CertificateTag),
    issue: async (host) => {
      const leafKeys = await webcrypto.subtle.generateKey(elliptic, true, signing);
      const leaf = await X509CertificateGenerator.create({
        ...validity,
        subject: [{ CN: [host.name] }],
        issuer: name,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
          new SubjectAlternativeNameExtension([
            ...[host.name, ...(host.otherNames ?? [])].map((value) => ({ type: 'dns' as const, value })),
            ...host.addresses.map((value) => ({ type: 'ip' as const, value })),
          ]),
          await SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
          await AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return {
        certificate: toPem(leaf.rawData, PemConverter.CertificateTag),
        key: toPem(
          await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey),
          PemConverter.PrivateKeyTag,
        ),
      };
    },
  };
}

/** The library has no class for this extension. */
function onlyFor({ domains, addresses }: Permitted): Extension {
  const names = [
    ...domains.map((domain) => new GeneralName({ dNSName: domain })),
    ...addresses.map(
      (address) => new GeneralName({ iPAddress: `${address}/${address.includes(':') ? 128 : 32}` }),
    ),
  ];
  const permittedSubtrees = new GeneralSubtrees(names.map((base) => new GeneralSubtree({ base })));
  return new Extension(
    id_ce_nameConstraints,
    true,
    AsnConvert.serialize(new NameConstraints({ permittedSubtrees })),
  );
}

function toPem(content: ArrayBuffer, tag: string): string {
  return `${PemConverter.encode(content, tag)}\n`;
}
