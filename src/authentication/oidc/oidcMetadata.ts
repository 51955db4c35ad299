import type { createLocalJWKSet, JWK } from 'jose' with { 'resolution-mode': 'import' };
import type { Log } from '../../log';
import { z } from 'zod';
import { printable } from '../../errors';
import { loadJose } from './jose';
import type { HttpClient } from '../../resilience/httpClient';
import type { UpstreamName } from '../../resilience/upstreamError';
import type { Timings } from '../../timings';
import { createMetadataSource, type MetadataSource, type ProviderMetadata } from '../metadataSource';
import { createDocumentReader, unusableDocument } from '../publishedDocument';
import { importSigningKeys, keysById, type SigningKey, signingKeySet } from '../signingKeys';

/** The parts of a provider's metadata that are read: OpenID Connect Discovery section 3. */
export const oidcDiscoveryDocument = z.looseObject({
  issuer: z.string(),
  jwks_uri: z.url({ protocol: /^https$/ }),
});

/** What is expected of a provider's metadata. */
export interface OidcMetadataPolicy {
  readonly metadataUrl: string;
  /** The metadata must name one of these, exactly. */
  readonly issuers: readonly string[];
  /** `same`: on the host of the metadata or of the issuer. `any`: some providers publish their keys on another host. */
  readonly keysHost: 'same' | 'any';
}

export interface OidcMetadata extends ProviderMetadata {
  /** Selects keys by key id, type and algorithm. */
  readonly findKey: ReturnType<typeof createLocalJWKSet>;
}

export interface OidcMetadataOptions extends OidcMetadataPolicy {
  readonly upstream: UpstreamName;
  readonly http: HttpClient;
  readonly timings: Timings['signingKeys'];
  readonly log: Log;
}

const maxIssuerLength = 200;

/** Why the metadata cannot be used; undefined if it can. */
export function findMetadataProblem(
  { issuer, jwks_uri: keysUrl }: z.infer<typeof oidcDiscoveryDocument>,
  { metadataUrl, issuers, keysHost }: OidcMetadataPolicy,
): string | undefined {
  if (!issuers.includes(issuer))
    return `the metadata is of the issuer ${printable(issuer, maxIssuerLength)}, not of ${issuers.join(' or ')}`;
  const hosts = [metadataUrl, issuer].map((url) => new URL(url).host);
  return keysHost === 'same' && !hosts.includes(new URL(keysUrl).host)
    ? 'the signing keys are on another host (jwks_uri)'
    : undefined;
}

export function createOidcMetadata(options: OidcMetadataOptions): MetadataSource<OidcMetadata> {
  const { upstream, metadataUrl, http, timings, log } = options;
  const read = createDocumentReader(upstream, http);
  return createMetadataSource({
    upstream,
    timings,
    log,
    async load(deadline) {
      const discovery = await read('read discovery', metadataUrl, oidcDiscoveryDocument, deadline);
      const reason = findMetadataProblem(discovery, options);
      if (reason !== undefined) throw unusableDocument(upstream, 'read discovery', reason);
      const { keys } = await read('read signing keys', discovery.jwks_uri, signingKeySet, deadline);
      const imported = importSigningKeys(keys, ['RSA', 'EC', 'OKP']);
      const signingKeys = keysById(imported);
      if (signingKeys.size === 0)
        throw unusableDocument(upstream, 'read signing keys', 'no usable signing key');
      const { createLocalJWKSet } = await loadJose();
      return { signingKeys, findKey: createLocalJWKSet({ keys: imported.map(publicJwk) }) };
    },
  });
}

/** Other members, such as a private part or the operation `sign`, would make jose fail instead of verifying. */
function publicJwk({ id: kid, algorithm: alg, key }: SigningKey): JWK {
  return { ...(key.export({ format: 'jwk' }) as JWK), kid, ...(alg === undefined ? {} : { alg }) };
}
