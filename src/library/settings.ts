import type { Authenticate } from '../authentication/app/appAuthentication';
import type { Log } from '../log';

/**
 * What the app that embeds the server chooses. Names, defaults and rules are those of the server's settings (docs/settings.md); which
 * option is which setting is in docs/your-own-express-app.md.
 */
export type CommunicationAuthSettings = CommonOptions &
  (EntraUsersOptions | ProviderUsersOptions | AppUsersOptions);

/** Users of one Microsoft Entra tenant, who may have their mappings in Microsoft Graph. */
export interface EntraUsersOptions {
  readonly providers: readonly [EntraProviderOptions];
  readonly store: GraphStoreOptions | TableStoreOptions | AcsStoreOptions;
  readonly authenticate?: undefined;
}

/** Users of any providers: a store is needed that does not act on their behalf. */
export interface ProviderUsersOptions {
  readonly providers: readonly [ProviderOptions, ...ProviderOptions[]];
  readonly store: TableOnlyStoreOptions | AcsStoreOptions;
  readonly authenticate?: undefined;
}

/** Users that the app has signed in itself: a store is needed that does not act on their behalf. */
export interface AppUsersOptions {
  readonly authenticate: Authenticate;
  readonly store: TableOnlyStoreOptions | AcsStoreOptions;
  readonly providers?: undefined;
}

export interface CommonOptions {
  readonly communication: CommunicationOptions;
  readonly cloud?: 'public' | 'usgovernment' | 'china' | undefined;
  /** Which user-assigned managed identity to use with an `endpoint`, or as credential. */
  readonly managedIdentityClientId?: string | undefined;
  readonly workloadIdentity?: WorkloadIdentityOptions | undefined;
  readonly rateLimits?: RateLimitOptions | undefined;
  readonly caches?: CacheOptions | undefined;
  /** Without it nothing is logged. pino's loggers are accepted as they are. */
  readonly logger?: Log | undefined;
}

export type ProviderOptions =
  EntraProviderOptions | ExternalIdProviderOptions | B2cProviderOptions | OidcProviderOptions;

export interface EntraProviderOptions {
  readonly kind: 'entra';
  readonly tenantId: string;
  readonly clientId: string;
  readonly appIdUri?: string | undefined;
  readonly authorityHost?: string | undefined;
  readonly allowedClientIds?: readonly string[] | undefined;
}

export interface ExternalIdProviderOptions {
  readonly kind: 'external_id';
  readonly tenantId: string;
  readonly tenantName: string;
  readonly clientId: string;
  readonly authorityHost?: string | undefined;
  readonly allowedClientIds?: readonly string[] | undefined;
}

export interface B2cProviderOptions {
  readonly kind: 'b2c';
  readonly tenantId: string;
  readonly tenantName: string;
  readonly clientId: string;
  readonly policies: readonly string[];
  readonly authorityHost?: string | undefined;
  readonly allowedClientIds?: readonly string[] | undefined;
}

export interface OidcProviderOptions {
  readonly kind: 'oidc';
  readonly issuer: string;
  readonly audience: string;
  readonly requiredScope?: string | undefined;
  readonly userClaim?: string | undefined;
  readonly algorithms?: readonly string[] | undefined;
  readonly allowedClientIds?: readonly string[] | undefined;
}

/** The mapping is kept on the user in Microsoft Graph. One of the three credentials, or a workload identity, is needed. */
export interface GraphStoreOptions extends GraphOptions {
  readonly kind: 'graph';
}

export interface GraphOptions {
  readonly clientSecret?: string | undefined;
  readonly clientCertificatePath?: string | undefined;
  readonly clientAssertion?: 'managed_identity' | undefined;
  /** While a key is rotated, the new and the old one. */
  readonly mappingKey: string | readonly string[];
  readonly unsignedMappings?: 'reject' | 'adopt' | undefined;
  readonly extensionName?: string | undefined;
  readonly endpoint?: string | undefined;
}

/** The mapping is kept in Azure Table Storage or Cosmos DB. Either the connection string or the endpoint is needed. */
export interface TableOnlyStoreOptions {
  readonly kind: 'table';
  readonly connectionString?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly name?: string | undefined;
}

export interface TableStoreOptions extends TableOnlyStoreOptions {
  /** The Graph store that users are moved from. */
  readonly fallback?: GraphOptions | undefined;
}

/** A preview: Communication Services keeps the mapping itself. */
export interface AcsStoreOptions {
  readonly kind: 'acs';
  readonly mappingKey: string;
}

/** Either the connection string or the endpoint is needed. */
export interface CommunicationOptions {
  readonly connectionString?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly tokenScopes?: readonly CommunicationTokenScope[] | undefined;
  readonly tokenLifetimeMinutes?: number | undefined;
  readonly tokenReuseMinutes?: number | undefined;
  /** Only with the stores `table` and `acs`. */
  readonly tokenReuseCheckSeconds?: number | undefined;
}

export type CommunicationTokenScope = 'chat' | 'voip' | 'chat.join' | 'chat.join.limited' | 'voip.join';

/** On Kubernetes. Tenant and sign-in host are those of the first Entra provider, and are given here only without one. */
export interface WorkloadIdentityOptions {
  readonly federatedTokenFile: string;
  readonly tenantId?: string | undefined;
  readonly authorityHost?: string | undefined;
}

/** Requests a minute; 0 is off. */
export interface RateLimitOptions {
  readonly user?: number | undefined;
  readonly rejected?: number | undefined;
}

export interface CacheOptions {
  readonly tokenCacheSize?: number | undefined;
  readonly identityCacheSize?: number | undefined;
  readonly identityCacheMinutes?: number | undefined;
  readonly oboTokenCacheSize?: number | undefined;
  readonly bearerTokenCacheSize?: number | undefined;
}
