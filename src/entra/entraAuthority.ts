import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type Deadline, withDeadline } from '../resilience/deadline';
import { type HttpClient, HttpError } from '../resilience/httpClient';
import { parseRetryAfter, UpstreamError } from '../resilience/upstreamError';

/** The parts of the tenant's OpenID Connect discovery document that this server or MSAL needs. */
const discoveryDocument = z.looseObject({
  issuer: z.url(),
  jwks_uri: z.url({ protocol: /^https$/ }),
  token_endpoint: z.url({ protocol: /^https$/ }),
  authorization_endpoint: z.url(),
});

export type DiscoveryDocument = z.infer<typeof discoveryDocument>;

const signingKeySet = z.object({
  keys: z.array(
    z.looseObject({
      kty: z.string(),
      kid: z.string().optional(),
      use: z.string().optional(),
      n: z.string().optional(),
      e: z.string().optional(),
    }),
  ),
});

/** The authority's published metadata: immutable, replaced as a whole. */
export interface AuthorityMetadata {
  readonly discovery: DiscoveryDocument;
  /** The tenant's v1 and v2 issuers. */
  readonly issuers: readonly string[];
  readonly signingKeys: ReadonlyMap<string, KeyObject>;
}

/** The tenant's authority: its endpoints, issuers and signing keys. */
export interface EntraAuthority {
  readonly tenantId: string;
  /** Loads the metadata and refreshes it in the background until `stop`. */
  start(): void;
  stop(): void;
  /** The metadata loaded last, without waiting; undefined until the first load has succeeded. */
  current(): AuthorityMetadata | undefined;
  /** The same, but waits for the first load. Throws UpstreamError if the authority cannot be reached. */
  metadata(): Promise<AuthorityMetadata>;
  /**
   * The key with this id; undefined if the authority has none. An unknown id triggers a reload, at most one every 10 s
   * across all callers, so that a rotated key works at once and invented ids are cheap. Throws UpstreamError if the
   * reload fails, because the key may exist.
   */
  signingKey(keyId: string): Promise<KeyObject | undefined>;
  /** The listener is called whenever the set of keys changes. */
  onKeysChanged(listener: () => void): void;
}

export interface EntraAuthorityOptions {
  authorityHost: string;
  tenantId: string;
  http: HttpClient;
  log: Logger;
}

const fetchTimeLimitInMs = 4_000;
/** Microsoft's guide to key rollover recommends a refresh at least daily; hourly leaves room for failures. */
const refreshIntervalInMs = 60 * 60_000;
/** Retry delay after a failed load; doubles with each failure. */
const firstReloadDelayInMs = 500;
const maxReloadDelayInMs = 10_000;
const reloadCooldownInMs = 1_000;
const unknownKeyCooldownInMs = 10_000;
/** RFC 7518 section 3.3. A shorter key may be a truncated one: any base64url text decodes to some number. */
const minKeyLengthInBits = 2_048;

export function createEntraAuthority({
  authorityHost,
  tenantId,
  http,
  log,
}: EntraAuthorityOptions): EntraAuthority {
  const tenantUrl = `${authorityHost}/${tenantId}`;
  const listeners: (() => void)[] = [];
  let latest: AuthorityMetadata | undefined;
  let loading: Promise<AuthorityMetadata> | undefined;
  let lastFailure: UpstreamError | undefined;
  let lastFailureAt = -Infinity;
  let lastUnknownKeyLoadAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function fetchJson<T>(
    operation: string,
    url: string,
    shape: z.ZodType<T>,
    deadline: Deadline,
  ): Promise<T> {
    try {
      const reply = await http.send(url, { method: 'GET', signal: deadline.signal });
      if (reply.status !== 200) {
        const retryAfterInSeconds = parseRetryAfter(reply.headers['retry-after']);
        throw entraError(operation, { status: Math.max(reply.status, 500), retryAfterInSeconds });
      }
      return shape.parse(JSON.parse(reply.text));
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      throw entraError(
        operation,
        { transportFailure: error instanceof HttpError ? error.transportFailure : 'invalid_response' },
        error,
      );
    }
  }

  async function load(deadline: Deadline): Promise<AuthorityMetadata> {
    const wellKnown = '.well-known/openid-configuration';
    // v1 tokens have another issuer than v2 tokens; it depends on the cloud and is usually this one. If the v1 document
    // cannot be used, callers with v2 tokens must still be accepted.
    const usualV1Issuer = `https://sts.windows.net/${tenantId}/`;
    const v1 = fetchJson('read v1 discovery', `${tenantUrl}/${wellKnown}`, discoveryDocument, deadline).then(
      ({ issuer }) => (issuer.toLowerCase().includes(tenantId) ? issuer : usualV1Issuer),
      () => usualV1Issuer,
    );
    const discovery = await fetchJson(
      'read discovery',
      `${tenantUrl}/v2.0/${wellKnown}`,
      discoveryDocument,
      deadline,
    );
    const keys = await fetchJson('read signing keys', discovery.jwks_uri, signingKeySet, deadline);
    if (!discovery.issuer.toLowerCase().includes(tenantId)) {
      throw entraError(
        'read discovery',
        { transportFailure: 'invalid_response' },
        new Error('the issuer belongs to another tenant'),
      );
    }
    const issuers = [...new Set([discovery.issuer, usualV1Issuer, await v1])];
    const signingKeys = importKeys(keys.keys);
    if (signingKeys.size === 0) {
      throw entraError(
        'read signing keys',
        { transportFailure: 'invalid_response' },
        new Error('no usable RSA signing key'),
      );
    }
    return { discovery, issuers, signingKeys };
  }

  /** One load at a time; if it fails, the last good metadata stays. */
  function reload(): Promise<AuthorityMetadata> {
    loading ??= withDeadline(fetchTimeLimitInMs, undefined, load)
      .then((metadata) => {
        lastFailure = undefined;
        const changed = !sameKeys(latest?.signingKeys, metadata.signingKeys);
        if (changed)
          log.info(
            { keyIds: [...metadata.signingKeys.keys()] },
            'loaded the signing keys of Microsoft Entra ID',
          );
        latest = metadata;
        if (changed) listeners.forEach((listener) => listener());
        return metadata;
      })
      .catch((error: unknown) => {
        lastFailureAt = performance.now();
        lastFailure =
          error instanceof UpstreamError
            ? error
            : entraError('read metadata', { transportFailure: 'invalid_response' }, error);
        log.warn(
          { err: lastFailure, keptKeys: latest?.signingKeys.size ?? 0 },
          'cannot load the metadata of Microsoft Entra ID',
        );
        throw lastFailure;
      })
      .finally(() => (loading = undefined));
    return loading;
  }

  /** For callers that need the metadata: queries a failing authority at most once a second across all callers. */
  async function loadMetadataOnce(): Promise<AuthorityMetadata> {
    if (!loading && lastFailure && performance.now() - lastFailureAt < reloadCooldownInMs) throw lastFailure;
    return reload();
  }

  function refreshInBackground(reloadDelayInMs: number): void {
    reload().then(
      () => schedule(refreshIntervalInMs * (0.9 + 0.2 * Math.random()), firstReloadDelayInMs),
      () =>
        schedule(reloadDelayInMs * (0.5 + Math.random()), Math.min(reloadDelayInMs * 2, maxReloadDelayInMs)),
    );
  }

  function schedule(delayInMs: number, reloadDelayInMs: number): void {
    if (stopped) return;
    timer = setTimeout(() => refreshInBackground(reloadDelayInMs), delayInMs);
    timer.unref();
  }

  return {
    tenantId,
    start: () => refreshInBackground(firstReloadDelayInMs),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    current: () => latest,
    metadata: async () => latest ?? loadMetadataOnce(),
    async signingKey(keyId) {
      const { signingKeys } = latest ?? (await loadMetadataOnce());
      const key = signingKeys.get(keyId);
      if (key) return key;
      if (performance.now() - lastUnknownKeyLoadAt < unknownKeyCooldownInMs && !loading) {
        if (lastFailure) throw lastFailure;
        return undefined;
      }
      if (!loading) lastUnknownKeyLoadAt = performance.now();
      return (await reload()).signingKeys.get(keyId);
    },
    onKeysChanged: (listener) => listeners.push(listener),
  };
}

function entraError(operation: string, facts: UpstreamError['facts'], cause?: unknown): UpstreamError {
  return new UpstreamError('Microsoft Entra ID', operation, facts, cause);
}

function importKeys(keys: z.infer<typeof signingKeySet>['keys']): Map<string, KeyObject> {
  const imported = new Map<string, KeyObject>();
  for (const { kty, kid, use, n, e } of keys) {
    if (kty !== 'RSA' || !kid || !n || !e || (use !== undefined && use !== 'sig')) continue;
    try {
      const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' });
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) >= minKeyLengthInBits) imported.set(kid, key);
    } catch {
      // A corrupt key must not disable the others. Tokens signed with it are rejected: unknown key.
    }
  }
  return imported;
}

function sameKeys(a: ReadonlyMap<string, KeyObject> | undefined, b: ReadonlyMap<string, KeyObject>): boolean {
  if (a?.size !== b.size) return false;
  return [...b].every(([keyId, key]) => a.get(keyId)?.equals(key));
}
