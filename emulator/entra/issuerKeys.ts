import { isObject } from '../http/exchange';
import { type Applications, type RegisteredFederatedCredential } from '../state/applications';
import { decodeJwt } from '../tokens/jwt';

const fetchTimeoutInMs = 5_000;

/** The keys of issuers of federated credentials that are published at a URL. */
export class IssuerKeys {
  readonly #byUrl = new Map<string, readonly object[]>();
  readonly #applications: Applications;

  constructor(applications: Applications) {
    this.#applications = applications;
  }

  of({ jwks, jwksUrl }: RegisteredFederatedCredential): readonly object[] {
    return jwks?.keys ?? this.#byUrl.get(jwksUrl ?? '') ?? [];
  }

  /**
   * Fetches the unknown keys that a client assertion needs, so that the request can then be checked synchronously. If that fails, the last
   * keys stay in use.
   */
  async prepare(application: string | null, assertion: string | null): Promise<void> {
    const jwt = decodeJwt(assertion ?? '');
    if (!jwt || application === null) return;
    const urls = this.#credentials(application)
      .filter(({ issuer, jwksUrl }) => issuer === jwt.claims.iss && jwksUrl !== undefined)
      .map(({ jwksUrl = '' }) => jwksUrl);
    for (const url of new Set(urls)) {
      const known = this.#byUrl.get(url)?.some((key) => isObject(key) && key.kid === jwt.header.kid);
      const fetched = known ? undefined : await fetchKeys(url);
      if (fetched) this.#byUrl.set(url, fetched);
    }
  }

  clear(): void {
    this.#byUrl.clear();
  }

  #credentials(application: string): readonly RegisteredFederatedCredential[] {
    try {
      return this.#applications.credentials(application).federated;
    } catch {
      return [];
    }
  }
}

async function fetchKeys(url: string): Promise<readonly object[] | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutInMs), redirect: 'error' });
    const body: unknown = await response.json();
    if (isObject(body) && Array.isArray(body.keys)) return body.keys.filter(isObject);
    throw new Error('not a JSON Web Key Set');
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    process.stderr.write(`emulator: cannot get the keys of an issuer at ${url}: ${reason}\n`);
    return undefined;
  }
}
