import type { CredentialDescription } from '../entra/clientCredential/clientCredential';
import { problem, type Result } from './check';
import { printable } from './report';

const page = 'Microsoft Entra admin center > App registrations > AuthServer > Certificates & secrets';

/** No federated credential has this issuer, audience or subject. */
const unknownAssertion = new Set([70021, 700211, 700212, 700213]);

/** What is wrong with the registration of a certificate or an assertion; undefined if the error has another cause. */
export function explainCredentialError(
  numbers: readonly number[],
  credential: CredentialDescription,
): Result | undefined {
  if (credential.setting === 'AZURE_CLIENT_SECRET') return undefined;
  const number = numbers.find((candidate) => candidate === 700027 || unknownAssertion.has(candidate));
  if (credential.setting === 'AZURE_CLIENT_CERTIFICATE_PATH') {
    if (number !== 700027) return undefined;
    return problem(
      `the certificate with the thumbprint ${credential.thumbprint} is not registered with the application in AZURE_CLIENT_ID (AADSTS700027)`,
      `Upload it, without its private key, under ${page} > Certificates, or set AZURE_CLIENT_CERTIFICATE_PATH to one that is listed there.`,
    );
  }
  if (number === 700027) {
    return problem(
      `Microsoft Entra ID cannot verify the signature of the assertion from ${printable(credential.issuer)} (AADSTS700027)`,
      'The issuer must publish its current keys where its discovery document says; on Kubernetes, this is the OIDC issuer of the cluster.',
    );
  }
  if (number === undefined) return undefined;
  const { issuer, subject, audience } = credential;
  return problem(
    `the application has no federated credential for this assertion (AADSTS${number}): issuer ${printable(issuer)}, subject ${printable(subject)}, audience ${printable(audience)}`,
    `Add one with exactly these values under ${page} > Federated credentials; ` +
      'or run: az ad app federated-credential create --id <AZURE_CLIENT_ID> --parameters ' +
      `'${JSON.stringify({ name: 'acs-authentication-server', issuer, subject, audiences: [audience] })}'`,
  );
}
