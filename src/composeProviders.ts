import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { createBearerAuthentication } from './authentication/bearerAuthentication';
import { createEntraAuthority, type EntraAuthority } from './authentication/entra/entraAuthority';
import { createEntraProvider, entraChallengeOptions } from './authentication/entra/entraProvider';
import { type Challenges, createChallenges } from './authentication/challenge';
import { requiredScope } from './authentication/requiredScope';
import type { Config } from './config/config';
import type { HttpClient } from './resilience/httpClient';
import type { Timings } from './timings';

export interface ComposedProviders {
  readonly authority: EntraAuthority;
  readonly challenges: Challenges;
  readonly requireBearerToken: RequestHandler;
}

export interface ProvidersParts {
  readonly config: Config;
  readonly http: HttpClient;
  readonly timings: Timings;
  readonly log: Logger;
}

export function composeProviders({ config, http, timings, log }: ProvidersParts): ComposedProviders {
  const { authorityHost, tenantId, clientId } = config.entra;
  const authority = createEntraAuthority({
    authorityHost,
    tenantId,
    http,
    timings: timings.signingKeys,
    log,
  });
  const provider = createEntraProvider({ ...config.entra, name: 'entra', authority, requiredScope });
  return {
    authority,
    challenges: createChallenges(entraChallengeOptions({ authorityHost, tenantId, clientId, requiredScope })),
    requireBearerToken: createBearerAuthentication({
      providers: [provider],
      cacheSize: config.entra.verifiedTokenCacheSize,
    }),
  };
}
