import type { Logger } from 'pino';
import { createEntraAuthority, type EntraAuthority } from '../authentication/entra/entraAuthority';
import type { Config, EntraConfig } from '../config/config';
import { isEntra } from '../config/providers';
import { createLogger } from '../logger';
import { createHttpClient, type HttpClient } from '../resilience/httpClient';
import { defaultTimings } from '../timings';

/** What the checks of a setup with valid settings share. */
export interface DoctorContext {
  readonly config: Config;
  readonly http: HttpClient;
  /** Required by the server's parts; it writes nothing, since the checks report. */
  readonly log: Logger;
  /** Milliseconds since 1970 by this machine's clock. */
  readonly now: () => number;
  /** How far the clocks of the services that responded are ahead of ours. */
  readonly clocksAheadInMs: Map<string, number>;
}

/** The same for one tenant of Microsoft Entra ID. */
export interface EntraDoctorContext extends DoctorContext {
  readonly entra: EntraConfig;
  /** The server's own source of keys and issuers. */
  readonly authority: EntraAuthority;
}

export function createDoctorContext(config: Config, now: () => number): DoctorContext {
  return {
    config,
    http: createHttpClient(),
    log: createLogger({ level: 'silent', secrets: [], destination: { write: () => undefined } }),
    now,
    clocksAheadInMs: new Map(),
  };
}

/** One for each provider of the kind `entra`. */
export function entraContextsOf(context: DoctorContext): readonly EntraDoctorContext[] {
  const { config, http, log } = context;
  return config.providers.filter(isEntra).map((provider) => ({
    ...context,
    entra: provider.name === config.entra?.name ? config.entra : { ...provider, clientSecret: undefined },
    authority: createEntraAuthority({ ...provider, http, timings: defaultTimings.signingKeys, log }),
  }));
}
