import type { Logger } from 'pino';
import { createEntraAuthority, type EntraAuthority } from '../entra/entraAuthority';
import type { Config } from '../config/config';
import { createLogger } from '../logger';
import type { ClientCredential } from '../entra/clientCredential/clientCredential';
import { createHttpClient, type HttpClient } from '../resilience/httpClient';
import { defaultTimings } from '../timings';
import { createDeferredCredential } from './deferredCredential';

/** What the checks of a setup with valid settings share. */
export interface DoctorContext {
  readonly config: Config;
  readonly http: HttpClient;
  /** The server's own source of keys and issuers. */
  readonly authority: EntraAuthority;
  /** The server's own, whichever is set. */
  readonly credential: ClientCredential;
  /** Required by the server's parts; it writes nothing, since the checks report. */
  readonly log: Logger;
  /** Milliseconds since 1970 by this machine's clock. */
  readonly now: () => number;
  /** How far the clocks of the services that responded are ahead of ours. */
  readonly clocksAheadInMs: Map<string, number>;
}

export function createDoctorContext(config: Config, now: () => number): DoctorContext {
  const http = createHttpClient();
  const log = createLogger({ level: 'silent', secrets: [], destination: { write: () => undefined } });
  const { authorityHost, tenantId } = config.entra;
  return {
    config,
    http,
    authority: createEntraAuthority({
      authorityHost,
      tenantId,
      http,
      timings: defaultTimings.signingKeys,
      log,
    }),
    credential: createDeferredCredential(config.entra.credential, { timings: defaultTimings.upstream, log }),
    log,
    now,
    clocksAheadInMs: new Map(),
  };
}
