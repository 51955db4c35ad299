import type { KeyObject } from 'node:crypto';
import { ApiError } from '../errors';
import type { Log } from '../log';
import type { KeysById } from './signingKeys';
import { type Deadline, withDeadline } from '../resilience/deadline';
import { UpstreamError, type UpstreamName } from '../resilience/upstreamError';
import type { Timings } from '../timings';

/** What a provider publishes: immutable, replaced as a whole. */
export interface ProviderMetadata {
  readonly signingKeys: KeysById;
  /** A part that is not essential could not be loaded: it is loaded again soon. */
  readonly incomplete?: boolean;
}

/** A provider's published metadata, kept up to date. */
export interface MetadataSource<Metadata extends ProviderMetadata> {
  /** Loads the metadata and refreshes it in the background until `stop`. */
  start(): void;
  stop(): void;
  /** The metadata loaded last, without waiting; undefined until the first load has succeeded. */
  readonly current: () => Metadata | undefined;
  /** The same, but waits for the first load. Throws ApiError, such as UpstreamError if the provider cannot be reached. */
  metadata(): Promise<Metadata>;
  /**
   * The keys with this id; none if the provider has none. An unknown id triggers a reload, at most one every 10 s
   * across all callers, so that a rotated key works immediately and unknown ids are cheap. Throws ApiError if the
   * reload fails, because the key may exist.
   */
  keysWithId(keyId: string): Promise<readonly KeyObject[]>;
  /** The listener is called whenever the set of keys changes. */
  onKeysChanged(listener: () => void): void;
}

export interface MetadataSourceOptions<Metadata> {
  upstream: UpstreamName;
  load: (deadline: Deadline) => Promise<Metadata>;
  timings: Timings['signingKeys'];
  log: Log;
}

export function createMetadataSource<Metadata extends ProviderMetadata>({
  upstream,
  load,
  timings,
  log,
}: MetadataSourceOptions<Metadata>): MetadataSource<Metadata> {
  const listeners: (() => void)[] = [];
  let latest: Metadata | undefined;
  let loading: Promise<Metadata> | undefined;
  let lastFailure: ApiError | undefined;
  let lastFailureAt = -Infinity;
  let lastUnknownKeyLoadAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** One load at a time; if it fails, the last good metadata stays. */
  function reload(): Promise<Metadata> {
    loading ??= withDeadline(timings.fetchInMs, undefined, load)
      .then((metadata) => {
        lastFailure = undefined;
        const changed = !sameKeys(latest?.signingKeys, metadata.signingKeys);
        if (changed)
          log.info({ keyIds: [...metadata.signingKeys.keys()] }, `loaded the signing keys of ${upstream}`);
        latest = metadata;
        if (changed) listeners.forEach((listener) => listener());
        return metadata;
      })
      .catch((error: unknown) => {
        lastFailureAt = performance.now();
        lastFailure =
          error instanceof ApiError
            ? error
            : new UpstreamError(upstream, 'read metadata', { transportFailure: 'invalid_response' }, error);
        log.warn(
          { err: lastFailure, keptKeys: latest?.signingKeys.size ?? 0 },
          `cannot load the metadata of ${upstream}`,
        );
        throw lastFailure;
      })
      .finally(() => (loading = undefined));
    return loading;
  }

  /** For callers that need the metadata: queries a failing provider at most once a second across all callers. */
  async function loadMetadataOnce(): Promise<Metadata> {
    if (!loading && lastFailure && performance.now() - lastFailureAt < timings.reloadCooldownInMs)
      throw lastFailure;
    return reload();
  }

  function refreshInBackground(reloadDelayInMs: number): void {
    const refreshLater = () =>
      schedule(timings.refreshIntervalInMs * (0.9 + 0.2 * Math.random()), timings.firstReloadDelayInMs);
    const reloadSoon = () =>
      schedule(
        reloadDelayInMs * (0.5 + Math.random()),
        Math.min(reloadDelayInMs * 2, timings.maxReloadDelayInMs),
      );
    reload().then(({ incomplete }) => (incomplete ? reloadSoon() : refreshLater()), reloadSoon);
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
    current: () => latest,
    metadata: async () => latest ?? loadMetadataOnce(),
    async keysWithId(keyId) {
      const { signingKeys } = latest ?? (await loadMetadataOnce());
      const keys = signingKeys.get(keyId);
      if (keys) return keys;
      if (performance.now() - lastUnknownKeyLoadAt < timings.unknownKeyCooldownInMs && !loading) {
        if (lastFailure) throw lastFailure;
        return [];
      }
      if (!loading) lastUnknownKeyLoadAt = performance.now();
      return (await reload()).signingKeys.get(keyId) ?? [];
    },
    onKeysChanged: (listener) => listeners.push(listener),
  };
}

function sameKeys(before: KeysById | undefined, now: KeysById): boolean {
  if (before?.size !== now.size) return false;
  return [...now].every(([keyId, keys]) => {
    const previous = before.get(keyId) ?? [];
    return previous.length === keys.length && keys.every((key, index) => previous[index]?.equals(key));
  });
}
