import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { createB2cProvider } from './authentication/b2c/b2cProvider';
import { createBearerAuthentication } from './authentication/bearerAuthentication';
import { createEntraAuthority, type EntraAuthority } from './authentication/entra/entraAuthority';
import { createEntraProvider } from './authentication/entra/entraProvider';
import type { Challenges } from './authentication/challenge';
import { createExternalIdProvider } from './authentication/externalId/externalIdProvider';
import type { IdentityProvider } from './authentication/identityProvider';
import { oidcPolicy } from './authentication/oidc/oidcPolicy';
import { createOidcProvider, type ProviderParts } from './authentication/oidc/oidcProvider';
import type { Config } from './config/config';
import type { ProviderConfig } from './config/providers';
import type { HttpClient } from './resilience/httpClient';
import type { Timings } from './timings';

/** The identity providers, and what the rest of the server uses of them. */
export interface ComposedProviders {
  readonly requireBearerToken: RequestHandler;
  /** Of the provider `entra`, for calls on behalf of its users; absent without it. */
  readonly entra: EntraParts | undefined;
  start(): void;
  stop(): void;
  /** Whether the users of at least one provider can be served: an outage of one must not stop the others. */
  isReady(): boolean;
}

export interface EntraParts {
  readonly authority: EntraAuthority;
  readonly challenges: Challenges;
}

export interface ProvidersParts {
  readonly config: Pick<Config, 'providers' | 'verifiedTokenCacheSize'>;
  readonly http: HttpClient;
  readonly timings: Timings;
  readonly log: Logger;
}

export function composeProviders({ config, http, timings, log }: ProvidersParts): ComposedProviders {
  const parts = { http, timings: timings.signingKeys, log };
  const [first, ...others] = config.providers;
  const composed = [
    composeProvider(first, parts),
    ...others.map((other) => composeProvider(other, parts)),
  ] as const;
  const [{ provider: firstProvider }, ...rest] = composed;
  const providers = composed.map(({ provider }) => provider);
  return {
    requireBearerToken: createBearerAuthentication({
      providers: [firstProvider, ...rest.map(({ provider }) => provider)],
      cacheSize: config.verifiedTokenCacheSize,
    }),
    entra: composed.find(({ provider }) => provider.name === 'entra')?.entra,
    start: () => providers.forEach((provider) => provider.start()),
    stop: () => providers.forEach((provider) => provider.stop()),
    isReady: () => providers.some((provider) => provider.isReady()),
  };
}

function composeProvider(
  config: ProviderConfig,
  parts: ProviderParts,
): { provider: IdentityProvider; entra?: EntraParts } {
  switch (config.kind) {
    case 'entra': {
      const authority = createEntraAuthority({ ...config, ...parts });
      const provider = createEntraProvider({ ...config, authority });
      return { provider, entra: { authority, challenges: provider.challenges } };
    }
    case 'external_id':
      return { provider: createExternalIdProvider(config, parts) };
    case 'b2c':
      return { provider: createB2cProvider(config, parts) };
    case 'oidc':
      return { provider: createOidcProvider(oidcPolicy(config), parts) };
  }
}
