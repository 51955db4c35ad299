import type { Log } from '../log';
import { createEntraAuthority, type EntraAuthority } from '../authentication/entra/entraAuthority';
import type { Config, EntraConfig } from '../config/config';
import { isEntra } from '../config/providers';
import { createLogger } from '../logger';
import type { ClientCredential } from '../entra/clientCredential/clientCredential';
import { createHttpClient, type HttpClient } from '../resilience/httpClient';
import { createOpenIdProviders, type OpenIdProvider } from './openIdProviders';
import { defaultTimings } from '../timings';
import { createDeferredCredential } from './deferredCredential';

/** What the checks of a setup with valid settings share. */
export interface DoctorContext {
  readonly config: Config;
  readonly http: HttpClient;
  /** Required by the server's parts; it writes nothing, since the checks report. */
  readonly log: Log;
  /** Milliseconds since 1970 by this machine's clock. */
  readonly now: () => number;
  /** No single call to a service may take longer. */
  readonly callTimeLimitInMs: number;
  /** How far the clocks of the services that responded are ahead of ours. */
  readonly clocksAheadInMs: Map<string, number>;
  readonly tenants: readonly EntraTenant[];
  readonly openIdProviders: readonly OpenIdProvider[];
}

/** A provider of the kind `entra`. */
export interface EntraTenant {
  readonly entra: EntraConfig;
  /** The server's own source of keys and issuers. */
  readonly authority: EntraAuthority;
  /** The server's own, of the kind that is set. */
  readonly credential: ClientCredential;
}

/** What the checks of one tenant share. */
export interface EntraDoctorContext extends DoctorContext, EntraTenant {}

export interface DoctorContextOptions {
  readonly now: () => number;
  readonly callTimeLimitInMs: number;
}

export function createDoctorContext(
  config: Config,
  { now, callTimeLimitInMs }: DoctorContextOptions,
): DoctorContext {
  const http = createHttpClient();
  const log = createLogger({ level: 'silent', secrets: [], destination: { write: () => undefined } });
  const tenants = config.providers.filter(isEntra).map((provider) => {
    const entra =
      provider.name === config.entra?.name ? config.entra : { ...provider, credential: undefined };
    return {
      entra,
      authority: createEntraAuthority({ ...provider, http, timings: defaultTimings.signingKeys, log }),
      credential: createDeferredCredential(entra.credential, { timings: defaultTimings.upstream, log }),
    };
  });
  const openIdProviders = createOpenIdProviders(config.providers, http, log);
  return { config, http, log, now, callTimeLimitInMs, clocksAheadInMs: new Map(), tenants, openIdProviders };
}

export function entraContextsOf(context: DoctorContext): readonly EntraDoctorContext[] {
  return context.tenants.map((tenant) => ({ ...context, ...tenant }));
}
