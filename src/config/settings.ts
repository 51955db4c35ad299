import { z } from 'zod';
import { cloudNames, clouds } from './clouds';
import {
  communicationScope,
  connectionString,
  guid,
  httpsOrigin,
  isAllowedOrigin,
  list,
  mappingKeys,
  resourceEndpoint,
  wholeNumber,
} from './formats';
import { b2cSettings, externalIdSettings, identityProvider, oidcSettings } from './providerSettings';
import { setting } from './setting';
import { telemetrySettings } from './telemetry';
import { tableConnectionString, tableEndpoint, withEndpointSuffix } from './tableConnection';

const count = (defaultText: string, description: string) =>
  setting({
    schema: wholeNumber(1, 10_000_000),
    defaultText,
    description,
    source: 'your choice',
    format: 'a whole number from 1',
  });

/** Every setting of the server, in the order in which .env.sample and the README tell them. */
export const settings = {
  PORT: setting({
    schema: wholeNumber(0, 65_535),
    defaultText: '3000',
    description: 'the port that the server listens on',
    source: 'your choice; Azure App Service sets it',
    format: 'a number from 0 to 65535',
  }),
  IDENTITY_PROVIDER: identityProvider,
  AZURE_TENANT_ID: setting({
    schema: guid,
    description: 'the Microsoft Entra tenant whose users are served',
    source: 'Microsoft Entra admin center > App registrations > AuthServer > Directory (tenant) ID',
    format: 'a GUID',
  }),
  AZURE_CLIENT_ID: setting({
    schema: guid,
    description: 'the AuthServer app registration, for which callers get their access tokens',
    source: 'Microsoft Entra admin center > App registrations > AuthServer > Application (client) ID',
    format: 'a GUID',
  }),
  AZURE_CLIENT_SECRET: setting({
    schema: z.string().optional(),
    description: 'the secret with which this server signs in as AuthServer, on behalf of its users',
    source:
      'Microsoft Entra admin center > App registrations > AuthServer > Certificates & secrets (the value, not the id)',
    format: 'text',
  }),
  AZURE_CLIENT_CERTIFICATE_PATH: setting({
    schema: z.string().optional(),
    description: 'the file with the certificate and the private key of AuthServer, instead of a secret',
    source:
      'your choice; the certificate must be registered under Microsoft Entra admin center > App registrations > AuthServer > Certificates & secrets',
    format: 'the path of a PEM file',
  }),
  AZURE_CLIENT_ASSERTION: setting({
    schema: z.enum(['managed_identity']).optional(),
    description: 'that the managed identity of the host vouches for AuthServer, instead of a secret',
    source:
      'managed_identity, on Azure; the identity must be registered under App registrations > AuthServer > Certificates & secrets > Federated credentials',
    format: 'managed_identity',
  }),
  AZURE_FEDERATED_TOKEN_FILE: setting({
    schema: z.string().optional(),
    description:
      'the file with the token of Kubernetes’ workload identity, which vouches for AuthServer instead of a secret',
    source: 'leave it out: the webhook of Microsoft Entra Workload ID sets it',
    format: 'the path of a file with a JSON Web Token',
  }),
  AZURE_APP_ID_URI: setting({
    schema: z.string().min(1).optional(),
    description:
      'a further audience to accept, if the registration has an Application ID URI other than api://<client id>',
    source: 'Microsoft Entra admin center > App registrations > AuthServer > Expose an API',
    format: 'a URI',
  }),
  AZURE_CLOUD: setting({
    schema: z.enum(cloudNames).optional(),
    description: 'the Microsoft cloud of the tenant and its services',
    source: 'leave it out: that of AZURE_AUTHORITY_HOST, or the public one',
    format: 'public, usgovernment or china',
  }),
  AZURE_AUTHORITY_HOST: setting({
    schema: httpsOrigin,
    defaultText: clouds.public.authorityHost,
    inCloud: (text, cloud) => text ?? cloud.authorityHost,
    description: 'the Microsoft Entra sign-in host of your cloud',
    source: 'leave it out, unless you use the emulator; AZURE_CLOUD chooses it',
    format: 'an https address without a path',
  }),
  ...externalIdSettings,
  ...b2cSettings,
  ...oidcSettings,
  COMMUNICATION_SERVICES_CONNECTION_STRING: setting({
    schema: connectionString.optional(),
    description: 'the Communication Services resource and its access key',
    source: 'Azure portal > your Communication Services resource > Keys',
    format: 'endpoint=https://<resource>.communication.azure.com/;accesskey=<base64>',
  }),
  COMMUNICATION_SERVICES_ENDPOINT: setting({
    schema: resourceEndpoint.optional(),
    description:
      'the Communication Services resource, to be reached with a managed identity instead of an access key',
    source: 'Azure portal > your Communication Services resource > Keys > Endpoint',
    format: 'https://<resource>.communication.azure.com',
  }),
  MANAGED_IDENTITY_CLIENT_ID: setting({
    schema: guid.optional(),
    description:
      'which user-assigned managed identity to use with COMMUNICATION_SERVICES_ENDPOINT, TABLES_ENDPOINT and AZURE_CLIENT_ASSERTION',
    source: 'Azure portal > the managed identity > Client ID; leave it out for the system-assigned one',
    format: 'a GUID',
  }),
  COMMUNICATION_SERVICES_TOKEN_SCOPES: setting({
    schema: list.pipe(z.array(communicationScope).min(1)),
    defaultText: 'chat,voip',
    description: 'what the issued tokens allow',
    source: 'your choice',
    format: 'a comma-separated list of chat, voip, chat.join, chat.join.limited, voip.join',
  }),
  COMMUNICATION_SERVICES_TOKEN_LIFETIME_MINUTES: setting({
    schema: wholeNumber(60, 1_440),
    defaultText: '1440',
    description: 'how long the issued tokens live',
    source: 'your choice',
    format: 'a number of minutes from 60 to 1440',
  }),
  IDENTITY_STORE: setting({
    schema: z.enum(['graph', 'table', 'acs']),
    defaultText: 'graph',
    description: 'where it is kept which communication identity a user has',
    source:
      'graph: on the user in Microsoft Entra ID; table: in Azure Table Storage or Cosmos DB; acs (preview): in Communication Services',
    format: 'graph, table or acs',
  }),
  IDENTITY_STORE_FALLBACK: setting({
    schema: z.enum(['none', 'graph']),
    defaultText: 'none',
    description: 'the previous store, from which a user is moved to IDENTITY_STORE=table on first use',
    source: 'none; graph while you move users',
    format: 'none or graph',
  }),
  TABLES_CONNECTION_STRING: setting({
    schema: tableConnectionString.optional(),
    inCloud: (text, { storageSuffix }) => text && withEndpointSuffix(text, storageSuffix),
    description: 'the storage account or Cosmos DB account whose table keeps the mappings, and its key',
    source:
      'Azure portal > your storage account > Access keys, or your Cosmos DB account > Connection String',
    format:
      'DefaultEndpointsProtocol=https;AccountName=<account>;AccountKey=<base64>;EndpointSuffix=core.windows.net, or with TableEndpoint=<url>; ' +
      'not a shared access signature, which expires',
  }),
  TABLES_ENDPOINT: setting({
    schema: tableEndpoint.optional(),
    description: 'the table service, to be reached with a managed identity instead of an account key',
    source: 'Azure portal > your storage account > Endpoints > Table service',
    format: 'https://<account>.table.core.windows.net, or https://<account>.table.cosmos.azure.com',
  }),
  TABLES_NAME: setting({
    schema: z.string().regex(/^(?!tables$)[A-Za-z][A-Za-z0-9]{2,62}$/i),
    defaultText: 'identityMappings',
    description: 'the table that keeps the mappings; created if it does not exist',
    source: 'your choice, once: users in another table are not found',
    format: '3 to 63 letters and digits, a letter first',
  }),
  GRAPH_ENDPOINT: setting({
    schema: httpsOrigin,
    defaultText: clouds.public.graphEndpoint,
    inCloud: (text, cloud) => text ?? cloud.graphEndpoint,
    description: 'the Microsoft Graph host of your cloud',
    source: 'leave it out, unless you use the emulator; AZURE_CLOUD chooses it',
    format: 'an https address without a path',
  }),
  GRAPH_EXTENSION_NAME: setting({
    schema: z
      .string()
      .max(120)
      .regex(/^(?!com\.microsoft)[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)+$/i),
    defaultText: 'com.contoso.identityMapping',
    description: "the open extension on the Entra user that keeps the user's identity mapping",
    source: 'your choice, once: users mapped under another name are not found',
    format: 'a name in reverse DNS order, not under com.microsoft',
  }),
  IDENTITY_MAPPING_KEY: setting({
    schema: mappingKeys,
    description:
      'the secret key that seals identity mappings, so that users cannot change them; with IDENTITY_STORE=acs, that hides who a user is',
    source: `create one with: node -p "require('node:crypto').randomBytes(32).toString('base64')" and keep it: mappings sealed with an unknown key are rejected`,
    format:
      'base64 of 32 bytes or more; while a key is rotated, the new and the old key, separated by a comma',
  }),
  IDENTITY_MAPPING_UNSIGNED: setting({
    schema: z.enum(['reject', 'adopt']),
    defaultText: 'reject',
    description: 'what to do with mappings without a seal, such as those of the original sample',
    source: 'reject; adopt only while you take over users of the original sample',
    format: 'reject or adopt',
  }),
  ALLOWED_CLIENT_IDS: setting({
    schema: list.pipe(z.array(guid)),
    defaultText: '',
    description:
      'the client applications that may call this server; empty: any of the tenant whose token has the scope',
    source: 'Microsoft Entra admin center > App registrations > your clients > Application (client) ID',
    format: 'a comma-separated list of GUIDs',
  }),
  CORS_ALLOWED_ORIGINS: setting({
    schema: list.pipe(z.array(z.string().refine(isAllowedOrigin))),
    defaultText: '',
    description: 'the single-page apps that may call this server from a browser; empty: none',
    source:
      'the address bar of your app, without the path; * for any and loopback for any on this machine, only outside production',
    format: 'a comma-separated list of origins such as https://app.contoso.com, without a slash at the end',
  }),
  RATE_LIMIT_USER: setting({
    schema: wholeNumber(0, 1_000_000),
    defaultText: '120',
    description: 'how many requests a minute one user may make; 0: no limit',
    source: 'your choice',
    format: 'a whole number',
  }),
  RATE_LIMIT_REJECTED: setting({
    schema: wholeNumber(0, 1_000_000),
    defaultText: '600',
    description: 'how many rejected requests a minute from one address are told why; 0: no limit',
    source: 'your choice',
    format: 'a whole number',
  }),
  OVERLOAD_DELAY_MS: setting({
    schema: wholeNumber(0, 10_000),
    defaultText: '1000',
    description:
      'from which delay of its event loop, if it lasts, the server rejects requests with 503 until it has caught up; 0: never',
    source: 'your choice',
    format: 'a number of milliseconds from 0 to 10000',
  }),
  MAX_REQUESTS_IN_FLIGHT: setting({
    schema: wholeNumber(0, 1_000_000),
    defaultText: '2000',
    description: 'how many requests may wait for their response; more are rejected with 503; 0: no limit',
    source: 'your choice',
    format: 'a whole number',
  }),
  TRUST_PROXY_HOPS: setting({
    schema: wholeNumber(0, 10).optional(),
    description: "how many proxies stand before the server, so that it knows the caller's address",
    source: 'leave it out: 1 on Azure App Service, else 0',
    format: 'a number from 0 to 10',
  }),
  TOKEN_REUSE_MINUTES: setting({
    schema: wholeNumber(0, 720),
    defaultText: '15',
    description: 'how long an issued token may be handed out again to the same user; 0: never',
    source: 'your choice',
    format: 'a number of minutes from 0 to 720',
  }),
  TOKEN_REUSE_CHECK_SECONDS: setting({
    schema: wholeNumber(0, 43_200),
    defaultText: '60',
    description:
      'with IDENTITY_STORE=table or acs: how long a token is handed out again before it is checked that no other instance has deleted its identity; 0: no check',
    source: 'your choice',
    format: 'a number of seconds from 0 to 43200',
  }),
  TOKEN_CACHE_SIZE: count('10000', 'of how many users the issued token is kept in memory for reuse'),
  IDENTITY_CACHE_SIZE: count('50000', 'of how many users the identity mapping is kept in memory'),
  IDENTITY_CACHE_MINUTES: setting({
    schema: wholeNumber(0, 1_440),
    defaultText: '60',
    description: 'how long an identity mapping is kept in memory; 0: never',
    source: 'your choice',
    format: 'a number of minutes from 0 to 1440',
  }),
  OBO_TOKEN_CACHE_SIZE: count('2000', 'how many On-Behalf-Of tokens for Microsoft Graph are kept in memory'),
  BEARER_TOKEN_CACHE_SIZE: count('10000', 'how many verified access tokens are kept in memory (as hashes)'),
  API_DOCS: setting({
    schema: z.enum(['on', 'off']).optional(),
    description: 'whether the description of the API is served, at /docs and /openapi.json',
    source: 'your choice; leave it out for on, and off with NODE_ENV=production',
    format: 'on or off',
  }),
  API_DOCS_CLIENT_ID: setting({
    schema: guid.optional(),
    description: 'the single-page app that signs users in on the page /docs, filled in there',
    source:
      'Microsoft Entra admin center > App registrations > your client > Application (client) ID; or none',
    format: 'a GUID',
  }),
  ERROR_DOCUMENTATION_URL: setting({
    schema: z.url({ protocol: /^https?$/ }).optional(),
    description: 'the page that the errors of this server link to; # and the error code are appended',
    source:
      'where you publish docs/errors.md; leave it out for /docs/errors of this server, while it serves /docs',
    format: 'an http or https address',
  }),
  FORWARD_REQUEST_ID: setting({
    schema: z.enum(['on', 'off']),
    defaultText: 'off',
    description:
      'whether calls to Entra ID, Graph, Communication Services and the table carry the request id of their caller',
    source: 'your choice; on lets you find a request in the logs of these services',
    format: 'on or off',
  }),
  LOG_LEVEL: setting({
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    defaultText: 'info',
    description: 'how much is logged',
    source: 'your choice',
    format: 'fatal, error, warn, info, debug, trace or silent',
  }),
  ...telemetrySettings,
};

export type SettingName = keyof typeof settings;
export type SettingValues = { [Name in SettingName]: z.infer<(typeof settings)[Name]['schema']> };
