import type { Logger } from 'pino';
import { createEntraAuthority, type EntraAuthority } from '../entra/entraAuthority';
import type { Config } from '../config/config';
import { createLogger } from '../logger';
import { createHttpClient, type HttpClient } from '../resilience/httpClient';
import { defaultTimings } from '../timings';

/** What the checks of a set-up with readable settings work with. */
export interface Surroundings {
  readonly config: Config;
  readonly http: HttpClient;
  /** The server's own source of keys and issuers. */
  readonly authority: EntraAuthority;
  /** The parts of the server want one; it writes nothing, since what it would say is said by the checks. */
  readonly log: Logger;
  /** Milliseconds since 1970 by this machine's clock. */
  readonly now: () => number;
  /** How far the clocks of the services that answered are ahead of ours. */
  readonly clocksAheadInMs: Map<string, number>;
}

export function createSurroundings(config: Config, now: () => number): Surroundings {
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
    log,
    now,
    clocksAheadInMs: new Map(),
  };
}
