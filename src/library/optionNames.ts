import type { ProviderKind } from '../config/identityProviders';
import type { SettingName } from '../config/settings';
import type {
  AcsStoreOptions,
  B2cProviderOptions,
  CacheOptions,
  CommonOptions,
  CommunicationOptions,
  EntraProviderOptions,
  ExternalIdProviderOptions,
  GraphOptions,
  OidcProviderOptions,
  RateLimitOptions,
  TableOnlyStoreOptions,
  WorkloadIdentityOptions,
} from './settings';

/** The setting of each option, by the option's name. */
type SettingsOf<Options> = Readonly<Record<Exclude<keyof Options, 'kind'>, SettingName>>;

export const topOptions = {
  cloud: 'AZURE_CLOUD',
  managedIdentityClientId: 'MANAGED_IDENTITY_CLIENT_ID',
} as const satisfies SettingsOf<Pick<CommonOptions, 'cloud' | 'managedIdentityClientId'>>;

export const providerOptions = {
  entra: {
    tenantId: 'AZURE_TENANT_ID',
    clientId: 'AZURE_CLIENT_ID',
    appIdUri: 'AZURE_APP_ID_URI',
    authorityHost: 'AZURE_AUTHORITY_HOST',
    allowedClientIds: 'ALLOWED_CLIENT_IDS',
  } satisfies SettingsOf<EntraProviderOptions>,
  external_id: {
    tenantId: 'EXTERNAL_ID_TENANT_ID',
    tenantName: 'EXTERNAL_ID_TENANT_NAME',
    clientId: 'EXTERNAL_ID_CLIENT_ID',
    authorityHost: 'EXTERNAL_ID_AUTHORITY_HOST',
    allowedClientIds: 'ALLOWED_CLIENT_IDS',
  } satisfies SettingsOf<ExternalIdProviderOptions>,
  b2c: {
    tenantId: 'B2C_TENANT_ID',
    tenantName: 'B2C_TENANT_NAME',
    clientId: 'B2C_CLIENT_ID',
    policies: 'B2C_POLICIES',
    authorityHost: 'B2C_AUTHORITY_HOST',
    allowedClientIds: 'ALLOWED_CLIENT_IDS',
  } satisfies SettingsOf<B2cProviderOptions>,
  oidc: {
    issuer: 'OIDC_ISSUER',
    audience: 'OIDC_AUDIENCE',
    requiredScope: 'OIDC_REQUIRED_SCOPE',
    userClaim: 'OIDC_USER_CLAIM',
    algorithms: 'OIDC_ALGORITHMS',
    allowedClientIds: 'OIDC_ALLOWED_CLIENT_IDS',
  } satisfies SettingsOf<OidcProviderOptions>,
} as const satisfies Record<ProviderKind, Readonly<Record<string, SettingName>>>;

export const graphOptions = {
  clientSecret: 'AZURE_CLIENT_SECRET',
  clientCertificatePath: 'AZURE_CLIENT_CERTIFICATE_PATH',
  clientAssertion: 'AZURE_CLIENT_ASSERTION',
  mappingKey: 'IDENTITY_MAPPING_KEY',
  unsignedMappings: 'IDENTITY_MAPPING_UNSIGNED',
  extensionName: 'GRAPH_EXTENSION_NAME',
  endpoint: 'GRAPH_ENDPOINT',
} as const satisfies SettingsOf<GraphOptions>;

export const storeOptions = {
  graph: graphOptions,
  table: {
    connectionString: 'TABLES_CONNECTION_STRING',
    endpoint: 'TABLES_ENDPOINT',
    name: 'TABLES_NAME',
  } satisfies SettingsOf<TableOnlyStoreOptions>,
  acs: { mappingKey: 'IDENTITY_MAPPING_KEY' } satisfies SettingsOf<AcsStoreOptions>,
} as const;

export const communicationOptions = {
  connectionString: 'COMMUNICATION_SERVICES_CONNECTION_STRING',
  endpoint: 'COMMUNICATION_SERVICES_ENDPOINT',
  tokenScopes: 'COMMUNICATION_SERVICES_TOKEN_SCOPES',
  tokenLifetimeMinutes: 'COMMUNICATION_SERVICES_TOKEN_LIFETIME_MINUTES',
  tokenReuseMinutes: 'TOKEN_REUSE_MINUTES',
  tokenReuseCheckSeconds: 'TOKEN_REUSE_CHECK_SECONDS',
} as const satisfies SettingsOf<CommunicationOptions>;

export const workloadIdentityOptions = {
  federatedTokenFile: 'AZURE_FEDERATED_TOKEN_FILE',
  tenantId: 'AZURE_TENANT_ID',
  authorityHost: 'AZURE_AUTHORITY_HOST',
} as const satisfies SettingsOf<WorkloadIdentityOptions>;

export const rateLimitOptions = {
  user: 'RATE_LIMIT_USER',
  rejected: 'RATE_LIMIT_REJECTED',
} as const satisfies SettingsOf<RateLimitOptions>;

export const cacheOptions = {
  tokenCacheSize: 'TOKEN_CACHE_SIZE',
  identityCacheSize: 'IDENTITY_CACHE_SIZE',
  identityCacheMinutes: 'IDENTITY_CACHE_MINUTES',
  oboTokenCacheSize: 'OBO_TOKEN_CACHE_SIZE',
  bearerTokenCacheSize: 'BEARER_TOKEN_CACHE_SIZE',
} as const satisfies SettingsOf<CacheOptions>;
