import { z } from 'zod';
import { cloudNames, clouds } from './clouds';
import {
  communicationScope,
  connectionString,
  guid,
  httpsOrigin,
  list,
  resourceEndpoint,
  wholeNumber,
} from './formats';
import { b2cSettings, externalIdSettings, identityProvider, oidcSettings } from './providerSettings';
import { setting } from './setting';
import { serverSettings } from './serverSettings';
import { storeSettings } from './storeSettings';
import { telemetrySettings } from './telemetry';

/** Every setting of the server, in the order of .env.sample. */
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
    description: 'sign in as AuthServer with the managed identity of the host, instead of a secret',
    source:
      'managed_identity, on Azure; the identity must be registered under App registrations > AuthServer > Certificates & secrets > Federated credentials',
    format: 'managed_identity',
  }),
  AZURE_FEDERATED_TOKEN_FILE: setting({
    schema: z.string().optional(),
    description:
      'the file with the token of Kubernetes’ workload identity, which authenticates AuthServer instead of a secret',
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
    description: 'how long the issued tokens are valid',
    source: 'your choice',
    format: 'a number of minutes from 60 to 1440',
  }),
  ...storeSettings,
  ...serverSettings,
  ...telemetrySettings,
};

export type SettingName = keyof typeof settings;
export type SettingValues = { [Name in SettingName]: z.infer<(typeof settings)[Name]['schema']> };
