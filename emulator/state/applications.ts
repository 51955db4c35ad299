import { randomBytes, randomUUID } from 'node:crypto';
import { authClient, authServer, offboardingJob } from '../seed';
import { type ResourceName } from '../entra/resources';
import { tokenExchangeAudience } from '../tokens/audiences';
import { type Certificate, readCertificate } from './certificate';
import { Consents } from './consents';

/** The token of another issuer that an application can use as its credential. Compared exactly, including case. */
export interface FederatedCredential {
  issuer: string;
  subject: string;
  /** Default: `api://AzureADTokenExchange`, as Entra recommends. */
  audience?: string;
  /** The issuer's keys, as a JSON Web Key Set, or the URL to fetch them from. Neither is needed for tokens of this emulator. */
  jwks?: { keys: readonly object[] };
  jwksUrl?: string;
}

export interface RegisteredFederatedCredential extends FederatedCredential {
  id: string;
  audience: string;
}

/** The credentials of one application, all of which can change while the emulator runs. */
export interface Credentials {
  secrets: string[];
  certificates: Certificate[];
  federated: RegisteredFederatedCredential[];
}

const seeded = [authServer, authClient, offboardingJob];

/**
 * The credentials and consents of the registered applications. An application is named by its client id or by its registration's name:
 * `AuthServer`, `AuthClient`, `OffboardingJob`.
 */
export class Applications {
  #credentials = new Map<string, Credentials>();
  /** The expiry of secrets that have one. */
  readonly #expiries = new Map<string, Date>();
  readonly #consents = new Consents();

  constructor() {
    this.reset();
  }

  credentials(application: string): Credentials {
    const found = this.#credentials.get(idOf(application));
    if (!found) throw new Error(`The emulator has no application "${application}"`);
    return found;
  }

  /** Adds a secret to the existing ones, as in a rotation. */
  addSecret(application: string, secret = randomBytes(24).toString('base64url'), expires?: Date): string {
    if (expires) this.#expiries.set(secret, expires);
    else this.#expiries.delete(secret);
    const { secrets } = this.credentials(application);
    if (!secrets.includes(secret)) secrets.push(secret);
    return secret;
  }

  hasExpired(secret: string, now: number): boolean {
    return (this.#expiries.get(secret)?.getTime() ?? Infinity) <= now;
  }

  /** All secrets, unless one is named. */
  withdrawSecret(application: string, secret?: string): void {
    const credentials = this.credentials(application);
    credentials.secrets = secret === undefined ? [] : credentials.secrets.filter((other) => other !== secret);
  }

  /** @param certificate PEM, or the certificate's SHA-1 or SHA-256 thumbprint in hex: then clients must send x5c */
  addCertificate(application: string, certificate: string): Certificate {
    const read = readCertificate(certificate);
    this.credentials(application).certificates.push(read);
    return read;
  }

  /** @param thumbprint SHA-1 or SHA-256, in hex */
  removeCertificate(application: string, thumbprint: string): void {
    const credentials = this.credentials(application);
    const wanted = thumbprint.replaceAll(':', '').toLowerCase();
    credentials.certificates = credentials.certificates.filter(
      ({ sha1, sha256 }) => sha1 !== wanted && sha256 !== wanted,
    );
  }

  addFederatedCredential(
    application: string,
    credential: FederatedCredential,
  ): RegisteredFederatedCredential {
    const registered = { audience: tokenExchangeAudience, ...credential, id: randomUUID() };
    this.credentials(application).federated.push(registered);
    return registered;
  }

  removeFederatedCredential(application: string, id: string): void {
    const credentials = this.credentials(application);
    credentials.federated = credentials.federated.filter((other) => other.id !== id);
  }

  /** The permissions that the application has on a resource: for the whole tenant, and for this user. */
  consented(application: string, resource: ResourceName, userObjectId?: string): string[] {
    return this.#consents.of(idOf(application), resource, userObjectId);
  }

  /** For the whole tenant, unless a user is named. */
  grantConsent(
    application: string,
    resource: ResourceName,
    permissions: readonly string[],
    userObjectId?: string,
  ): void {
    this.credentials(application);
    this.#consents.grant(idOf(application), resource, permissions, userObjectId);
  }

  /** Withdraws the consent of the tenant and of every user; to all permissions on the resource, unless some are named. */
  withdrawConsent(application: string, resource: ResourceName, permissions?: readonly string[]): void {
    this.credentials(application);
    this.#consents.withdraw(idOf(application), resource, permissions);
  }

  /** As Microsoft Graph shows them, with only the first characters of a secret. */
  describeSecrets(application: string): Record<string, unknown>[] {
    return this.credentials(application).secrets.map((secret) => ({
      customKeyIdentifier: null,
      displayName: null,
      endDateTime: (this.#expiries.get(secret) ?? inTwoYears()).toISOString(),
      hint: secret.slice(0, 3),
      keyId: randomUUID(),
      secretText: null,
    }));
  }

  /** For operators, without secrets. */
  describe(): Record<string, unknown> {
    const shown = seeded.map(({ clientId, name }) => {
      const { secrets, certificates, federated } = this.credentials(clientId);
      return [
        name,
        {
          clientId,
          secrets: secrets.length,
          certificates: certificates.map(({ sha1, sha256 }) => ({ sha1, sha256 })),
          federatedCredentials: federated,
          consents: this.#consents.describe(clientId),
        },
      ];
    });
    return Object.fromEntries(shown) as Record<string, unknown>;
  }

  reset(): void {
    this.#consents.clear();
    this.#expiries.clear();
    for (const { clientId, clientSecret, permissions } of seeded) {
      this.#credentials.set(clientId, { secrets: [clientSecret], certificates: [], federated: [] });
      for (const [resource, names] of Object.entries<readonly string[]>(permissions)) {
        this.#consents.grant(clientId, resource as ResourceName, names);
      }
    }
  }
}

function inTwoYears(): Date {
  return new Date(Date.now() + 730 * 86_400_000);
}

function idOf(application: string): string {
  const wanted = application.toLowerCase();
  return seeded.find(({ name }) => name.toLowerCase() === wanted)?.clientId ?? wanted;
}
