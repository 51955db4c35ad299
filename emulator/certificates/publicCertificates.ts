import { join } from 'node:path';
import { publicDomains, publicHostNames } from '../names';
import { replaceFile } from '../replaceFile';
import { loopback } from './authority';
import { projectCertificateFolder } from './certificateFolders';
import { ensureCertificates, type LoopbackCertificates } from './loopbackCertificates';

export interface PublicCertificates {
  certificate: string;
  key: string;
  /** The authorities of the public names and of the loopback names, for a client that uses both. */
  trustFile: string;
}

/** The certificates for the services' public names. They are created only on request. */
export async function ensurePublicCertificates(
  loopbackCertificates: LoopbackCertificates,
  folder = projectCertificateFolder(),
): Promise<PublicCertificates> {
  const [name = '', ...otherNames] = publicHostNames;
  const ownFolder = join(folder, 'public-names');
  const { authority, certificate, key } = await ensureCertificates(
    ownFolder,
    { name, otherNames, addresses: [] },
    { domains: publicDomains, addresses: loopback.addresses },
  );
  const trustFile = join(ownFolder, 'trust.pem');
  replaceFile(trustFile, `${authority}${loopbackCertificates.authority}`);
  return { certificate, key, trustFile };
}
