import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { attributeNames, metricNames } from './names';
import type { BreakerName, CountedEvent, Telemetry } from './telemetry';

const events: Readonly<
  Record<CountedEvent, { metric: 'identities' | 'orphans' | 'tokens'; outcome: string }>
> = {
  identity_created: { metric: 'identities', outcome: 'created' },
  identity_replaced: { metric: 'identities', outcome: 'replaced' },
  identity_deleted: { metric: 'identities', outcome: 'deleted' },
  orphan_cleaned: { metric: 'orphans', outcome: 'cleaned' },
  orphan_lost: { metric: 'orphans', outcome: 'lost' },
  token_issued: { metric: 'tokens', outcome: 'issued' },
  token_reused: { metric: 'tokens', outcome: 'reused' },
  token_exchanged: { metric: 'tokens', outcome: 'exchanged' },
};

export function createCounters(meter: Meter): Pick<Telemetry, 'count' | 'countLookup'> {
  const counters = {
    identities: meter.createCounter(metricNames.identities, {
      description: 'Communication identities created, replaced and deleted.',
    }),
    orphans: meter.createCounter(metricNames.orphans, {
      description:
        'Identities that could not be mapped: cleaned (deleted again) or lost (to be deleted manually).',
    }),
    tokens: meter.createCounter(metricNames.tokens, {
      description: 'Communication tokens issued, reused, and exchanged for a Teams token.',
    }),
  };
  const lookups = meter.createCounter(metricNames.cacheLookups, {
    description: 'Lookups in the caches of this process.',
  });
  return {
    count(event) {
      const { metric, outcome } = events[event];
      counters[metric].add(1, { [attributeNames.outcome]: outcome });
    },
    countLookup: (cache, hit) => lookups.add(1, { [attributeNames.cache]: cache, [attributeNames.hit]: hit }),
  };
}

/** State that is read when metrics are exported. */
export function createObservers(meter: Meter): Pick<Telemetry, 'observeBreaker' | 'observeCertificate'> {
  const breakers: { name: BreakerName; isOpen: () => boolean }[] = [];
  meter
    .createObservableGauge(metricNames.openBreakers, {
      description:
        'Whether the circuit breaker of an upstream, or of one of its operations, is open: 1 or 0.',
    })
    .addCallback((result) => {
      for (const { name, isOpen } of breakers) {
        result.observe(isOpen() ? 1 : 0, {
          [attributeNames.upstream]: name.upstream,
          ...(name.operation === undefined ? {} : { [attributeNames.operation]: name.operation }),
        });
      }
    });

  return {
    observeBreaker: (name, isOpen) => void breakers.push({ name, isOpen }),
    observeCertificate(expires) {
      meter
        .createObservableGauge(metricNames.certificateExpiry, {
          description: 'Time until the client certificate expires.',
          unit: 's',
        })
        .addCallback(async (result) => {
          const date = await expires();
          if (!date) return;
          const seconds = Math.round((date.getTime() - Date.now()) / 1_000);
          result.observe(seconds, { [attributeNames.credential]: 'certificate' });
        });
    },
  };
}

const nanosecondsInASecond = 1e9;
/** Exporters that collect at the same time see the same values. */
const sharedForInMs = 1_000;

/** Returns a function that ends the measurement. */
export function measureEventLoop(meter: Meter): () => void {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  let takenAt = -Infinity;
  let values = { mean: 0, p99: 0, max: 0 };
  const gauge = (name: string, description: string) =>
    meter.createObservableGauge(name, { description, unit: 's' });
  const mean = gauge(metricNames.eventLoopMean, 'Mean delay of the event loop since the last export.');
  const p99 = gauge(metricNames.eventLoopP99, '99th percentile of the delay since the last export.');
  const max = gauge(metricNames.eventLoopMax, 'Longest delay since the last export.');
  meter.addBatchObservableCallback(
    (result) => {
      if (histogram.count > 0 && performance.now() - takenAt > sharedForInMs) {
        values = { mean: histogram.mean, p99: histogram.percentile(99), max: histogram.max };
        takenAt = performance.now();
        histogram.reset();
      }
      result.observe(mean, values.mean / nanosecondsInASecond);
      result.observe(p99, values.p99 / nanosecondsInASecond);
      result.observe(max, values.max / nanosecondsInASecond);
    },
    [mean, p99, max],
  );
  return () => histogram.disable();
}
