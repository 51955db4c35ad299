import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type Deadline, withDeadline } from '../resilience/deadline';
import { type HttpClient, HttpError } from '../resilience/httpClient';
import { parseRetryAfter, UpstreamError } from '../resilience/upstreamError';
import type { Timings } from '../timings';

/** The parts of the tenant's OpenID Connect discovery document that we use, or that MSAL wants. */
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

/** What the authority has published: immutable, replaced as a whole by a newer one. */
export interface AuthorityMetadata {
  readonly discovery: DiscoveryDocument;
  /** The tenant's v1 and v2 issuers. */
  readonly issuers: readonly string[];
  readonly signingKeys: ReadonlyMap<string, KeyObject>;
}

/** The tenant's authority: where it is, who it says it is, and the keys it signs with. */
export interface EntraAuthority {
  /** Begins to load and keeps fresh in the background until `stop`. */
  start(): void;
  stop(): void;
  /** What is known, without waiting; undefined until the first load has succeeded. */
  current(): AuthorityMetadata | undefined;
  /** What is known, loading it if nothing is yet. Throws UpstreamError if the authority cannot be reached. */
  metadata(): Promise<AuthorityMetadata>;
  /**
   * The key of that id. An unknown id makes us ask the authority again, at most once in 10 s for all callers, so that
   * a rotated key works at once and invented ids cost nothing. Undefined if the authority has no such key; throws
   * UpstreamError if it could not be asked, since then we do not know.
   */
  signingKey(keyId: string): Promise<KeyObject | undefined>;
  /** Called with every change of the set of keys. */
  onKeysChanged(listener: () => void): void;
}

export interface EntraAuthorityOptions {
  authorityHost: string;
  tenantId: string;
  http: HttpClient;
  timings: Timings['signingKeys'];
  log: Logger;
}

/** RFC 7518 section 3.3. A shorter one was cut off on its way: base64url of anything reads as some number. */
const minKeyLengthInBits = 2_048;

export function createEntraAuthority({
  authorityHost,
  tenantId,
  http,
  timings,
  log,
}: EntraAuthorityOptions): EntraAuthority {
  const tenantUrl = `${authorityHost}/${tenantId}`;
  const listeners: (() => void)[] = [];
  let known: AuthorityMetadata | undefined;
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
    // v1 tokens bear another issuer than v2 tokens, and which one it is depends on the cloud: usually the first of these. An odd
    // v1 document is no reason to turn every caller away.
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
        new Error('the issuer is not of this tenant'),
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

  /** One load at a time; a failed one leaves the last good metadata in place. */
  function reload(): Promise<AuthorityMetadata> {
    loading ??= withDeadline(timings.fetchInMs, undefined, load)
      .then((metadata) => {
        lastFailure = undefined;
        const changed = !sameKeys(known?.signingKeys, metadata.signingKeys);
        if (changed)
          log.info({ keyIds: [...metadata.signingKeys.keys()] }, 'signing keys of Microsoft Entra ID loaded');
        known = metadata;
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
          { err: lastFailure, keptKeys: known?.signingKeys.size ?? 0 },
          'cannot load the metadata of Microsoft Entra ID',
        );
        throw lastFailure;
      })
      .finally(() => (loading = undefined));
    return loading;
  }

  /** For callers who cannot go on without: asks a sick authority at most once a second, whoever calls. */
  async function loadMetadataOnce(): Promise<AuthorityMetadata> {
    if (!loading && lastFailure && performance.now() - lastFailureAt < timings.reloadCooldownInMs)
      throw lastFailure;
    return reload();
  }

  function refreshInBackground(reloadDelayInMs: number): void {
    reload().then(
      () => schedule(timings.refreshIntervalInMs * (0.9 + 0.2 * Math.random()), timings.firstReloadDelayInMs),
      () =>
        schedule(
          reloadDelayInMs * (0.5 + Math.random()),
          Math.min(reloadDelayInMs * 2, timings.maxReloadDelayInMs),
        ),
    );
  }

  function schedule(delayInMs: number, reloadDelayInMs: number): void {
    if (stopped) return;
    timer = setTimeout(() => refreshInBackground(reloadDelayInMs), delayInMs);
    timer.unref();
  }

  return {
    start: () => refreshInBackground(timings.firstReloadDelayInMs),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    current: () => known,
    metadata: async () => known ?? loadMetadataOnce(),
    async signingKey(keyId) {
      const { signingKeys } = known ?? (await loadMetadataOnce());
      const key = signingKeys.get(keyId);
      if (key) return key;
      if (performance.now() - lastUnknownKeyLoadAt < timings.unknownKeyCooldownInMs && !loading) {
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
      // One corrupt key must not take the others down; tokens signed with it are refused as signed by an unknown key.
    }
  }
  return imported;
}

function sameKeys(a: ReadonlyMap<string, KeyObject> | undefined, b: ReadonlyMap<string, KeyObject>): boolean {
  if (a?.size !== b.size) return false;
  return [...b].every(([keyId, key]) => a.get(keyId)?.equals(key));
}
