import type { Log } from '../../log';
import { z } from 'zod';
import { type Deadline, withDeadline } from '../../resilience/deadline';
import type { HttpClient } from '../../resilience/httpClient';
import { UpstreamError } from '../../resilience/upstreamError';
import type { Timings } from '../../timings';
import { createMetadataSource, type MetadataSource } from '../metadataSource';
import { createDocumentReader, unusableDocument } from '../publishedDocument';
import { importSigningKeys, type KeysById, keysById, signingKeySet } from '../signingKeys';

/** The parts of the tenant's OpenID Connect discovery document that this server or MSAL needs. */
const discoveryDocument = z.looseObject({
  issuer: z.url(),
  jwks_uri: z.url({ protocol: /^https$/ }),
  token_endpoint: z.url({ protocol: /^https$/ }),
  authorization_endpoint: z.url(),
});

export type DiscoveryDocument = z.infer<typeof discoveryDocument>;

/** The authority's published metadata: immutable, replaced as a whole. */
export interface AuthorityMetadata {
  readonly discovery: DiscoveryDocument;
  /** The tenant's v1 and v2 issuers. */
  readonly issuers: readonly string[];
  readonly signingKeys: KeysById;
  /** The v1 issuer is not known yet. */
  readonly incomplete: boolean;
}

/** The tenant's authority: its endpoints, issuers and signing keys. */
export interface EntraAuthority extends MetadataSource<AuthorityMetadata> {
  readonly tenantId: string;
}

export interface EntraAuthorityOptions {
  authorityHost: string;
  tenantId: string;
  http: HttpClient;
  timings: Timings['signingKeys'];
  log: Log;
}

const upstream = 'Microsoft Entra ID';

export function createEntraAuthority({
  authorityHost,
  tenantId,
  http,
  timings,
  log,
}: EntraAuthorityOptions): EntraAuthority {
  const tenantUrl = `${authorityHost}/${tenantId}`;
  const read = createDocumentReader(upstream, http);
  // v1 tokens have another issuer than v2 tokens; it depends on the cloud and is usually this one. If the v1 document
  // cannot be used, the issuer that was read last stays, and callers with v2 tokens must still be accepted.
  const usualV1Issuer = `https://sts.windows.net/${tenantId}/`;
  const wellKnown = '.well-known/openid-configuration';
  let v1Issuer: string | undefined;

  /** Whether to read the v1 document again soon. It has half of the time, so that the others are loaded although it hangs. */
  async function loadV1Issuer(deadline: Deadline): Promise<boolean> {
    try {
      const { issuer } = await withDeadline(timings.fetchInMs / 2, deadline.signal, (limit) =>
        read('read v1 discovery', `${tenantUrl}/${wellKnown}`, discoveryDocument, limit),
      );
      if (issuer.toLowerCase().includes(tenantId)) v1Issuer = issuer;
      return false;
    } catch (error) {
      return v1Issuer === undefined && isTemporary(error);
    }
  }

  async function load(deadline: Deadline): Promise<AuthorityMetadata> {
    const v1 = loadV1Issuer(deadline);
    const discovery = await read(
      'read discovery',
      `${tenantUrl}/v2.0/${wellKnown}`,
      discoveryDocument,
      deadline,
    );
    const { keys } = await read('read signing keys', discovery.jwks_uri, signingKeySet, deadline);
    if (!discovery.issuer.toLowerCase().includes(tenantId))
      throw unusableDocument(upstream, 'read discovery', 'the issuer belongs to another tenant');
    const incomplete = await v1;
    const issuers = [...new Set([discovery.issuer, usualV1Issuer, v1Issuer ?? usualV1Issuer])];
    const signingKeys = keysById(importSigningKeys(keys, ['RSA']));
    if (signingKeys.size === 0)
      throw unusableDocument(upstream, 'read signing keys', 'no usable RSA signing key');
    return { discovery, issuers, signingKeys, incomplete };
  }

  return { tenantId, ...createMetadataSource({ upstream, load, timings, log }) };
}

/** A host that has no such document will not have it soon. */
function isTemporary(error: unknown): boolean {
  if (!(error instanceof UpstreamError)) return true;
  const { status, transportFailure } = error.details;
  return status === undefined ? transportFailure !== 'invalid_response' : status >= 500 || status === 429;
}
