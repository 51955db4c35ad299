import type { RequestHandler } from 'express';
import type { Log } from './log';
import type { Authenticate } from './authentication/app/appAuthentication';
import { createBearerAuthentication } from './authentication/bearerAuthentication';
import type { EntraAuthority } from './authentication/entra/entraAuthority';
import type { Challenges } from './authentication/challenge';
import { manageUsersRole } from './authentication/manageUsersRole';
import type { IdentityProvider } from './authentication/identityProvider';
import type { ProviderParts } from './authentication/oidc/oidcProvider';
import { startRequestDeadline } from './http/requestDeadline';
import type { Config } from './config/config';
import type { ProviderConfig } from './config/providers';
import type { HttpClient } from './resilience/httpClient';
import type { Telemetry } from './telemetry/telemetry';
import type { Timings } from './timings';

/** The identity providers, as the rest of the server uses them. */
export interface ComposedProviders {
  /** Passes on requests with an authenticated user. */
  readonly requireUser: RequestHandler;
  /** Passes on requests whose caller may manage all users of their directory; absent if an app signs its users in itself. */
  readonly requireAdministrator: RequestHandler | undefined;
  /** Of the provider `entra`, for calls on behalf of its users. Absent without that provider. */
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
  readonly log: Log;
  readonly telemetry: Telemetry | undefined;
}

/** How many verified tokens of administrators are cached. */
const administratorCacheSize = 100;

export async function composeProviders({
  config,
  http,
  timings,
  log,
  telemetry,
}: ProvidersParts): Promise<ComposedProviders> {
  const parts = { http, timings: timings.signingKeys, log };
  const composed = await Promise.all(config.providers.map((provider) => composeProvider(provider, parts)));
  const [first, ...others] = composed.map(({ provider }) => provider);
  if (!first) throw new TypeError('at least one identity provider is needed');
  const providers = [first, ...others] as const;
  return {
    requireUser: createBearerAuthentication({
      providers,
      cacheSize: config.verifiedTokenCacheSize,
      telemetry,
    }),
    // With its own caches: a token that is accepted here must not be accepted elsewhere.
    requireAdministrator: createBearerAuthentication({
      providers,
      cacheSize: administratorCacheSize,
      requiredRole: manageUsersRole,
    }),
    entra: composed.find(({ provider }) => provider.name === 'entra')?.entra,
    start: () => providers.forEach((provider) => provider.start()),
    stop: () => providers.forEach((provider) => provider.stop()),
    isReady: () => providers.some((provider) => provider.isReady()),
  };
}

/** Replaces the providers if the app that embeds the server signs its users in itself. */
export async function composeAppAuthentication(
  authenticate: Authenticate,
  timeLimitInMs: number,
): Promise<ComposedProviders> {
  const { createAppAuthentication } = await import('./authentication/app/appAuthentication.js');
  return {
    requireUser: createAppAuthentication({
      authenticate,
      signalOf: (response) => startRequestDeadline(response, timeLimitInMs).signal,
    }),
    requireAdministrator: undefined,
    entra: undefined,
    start: () => undefined,
    stop: () => undefined,
    isReady: () => true,
  };
}

/** Other kinds of providers and their packages are not loaded. */
async function composeProvider(
  config: ProviderConfig,
  parts: ProviderParts,
): Promise<{ provider: IdentityProvider; entra?: EntraParts }> {
  switch (config.kind) {
    case 'entra': {
      const [{ createEntraAuthority }, { createEntraProvider }] = await Promise.all([
        import('./authentication/entra/entraAuthority.js'),
        import('./authentication/entra/entraProvider.js'),
      ]);
      const authority = createEntraAuthority({ ...config, ...parts });
      const provider = createEntraProvider({ ...config, authority });
      return { provider, entra: { authority, challenges: provider.challenges } };
    }
    case 'external_id': {
      const { createExternalIdProvider } = await import('./authentication/externalId/externalIdProvider.js');
      return { provider: createExternalIdProvider(config, parts) };
    }
    case 'b2c': {
      const { createB2cProvider } = await import('./authentication/b2c/b2cProvider.js');
      return { provider: createB2cProvider(config, parts) };
    }
    case 'oidc': {
      const [{ createOidcProvider }, { oidcPolicy }] = await Promise.all([
        import('./authentication/oidc/oidcProvider.js'),
        import('./authentication/oidc/oidcPolicy.js'),
      ]);
      return { provider: createOidcProvider(oidcPolicy(config), parts) };
    }
  }
}
