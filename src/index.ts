export { ConfigError } from './config/configError';
export type { AppUser, Authenticate } from './authentication/app/appAuthentication';
export { type CommunicationAuth, createCommunicationAuth } from './library/communicationAuth';
export type { Log, LogEntry } from './log';
export type {
  AcsStoreOptions,
  AppUsersOptions,
  B2cProviderOptions,
  CacheOptions,
  CommonOptions,
  CommunicationAuthSettings,
  CommunicationOptions,
  CommunicationTokenScope,
  EntraProviderOptions,
  EntraUsersOptions,
  ExternalIdProviderOptions,
  GraphOptions,
  GraphStoreOptions,
  OidcProviderOptions,
  ProviderOptions,
  ProviderUsersOptions,
  RateLimitOptions,
  TableOnlyStoreOptions,
  TableStoreOptions,
  WorkloadIdentityOptions,
} from './library/settings';
