import { publishedMonitoringSchemas } from './publishedMonitoringSchemas';
import {
  between,
  flag,
  listOf,
  named,
  object,
  oneOf,
  orExpression,
  resource,
  tags,
  text,
  whole,
  type PublishedSchema,
} from './schemaForms';

const identity = object(
  {
    type: oneOf('None', 'SystemAssigned', 'UserAssigned', 'SystemAssigned, UserAssigned'),
    userAssignedIdentities: orExpression({ type: 'object', additionalProperties: { type: 'object' } }),
  },
  'type',
);

const siteConfig = object({
  alwaysOn: flag,
  appCommandLine: text,
  appSettings: listOf(object({ name: text, value: text })),
  ftpsState: oneOf('AllAllowed', 'FtpsOnly', 'Disabled'),
  healthCheckPath: text,
  http20Enabled: flag,
  linuxFxVersion: text,
  minTlsVersion: oneOf('1.0', '1.1', '1.2', '1.3'),
  scmMinTlsVersion: oneOf('1.0', '1.1', '1.2', '1.3'),
  webSocketsEnabled: flag,
});
const site = object({
  clientAffinityEnabled: flag,
  httpsOnly: flag,
  keyVaultReferenceIdentity: text,
  publicNetworkAccess: text,
  serverFarmId: text,
  siteConfig,
  virtualNetworkSubnetId: text,
});
const web = '2023-12-01/Microsoft.Web.json';
const publishing = resource(web, object({ allow: flag }, 'allow'));

/**
 * Facts from the published schemas of Azure resources (github.com/Azure/azure-resource-manager-schemas), for the types that the
 * templates use: names of properties, their types, allowed values, and which are required. Reduced: a property that is missing here
 * may exist. Look it up in the source file before you add it. All were compared with those files in November 2026; those of
 * Microsoft.Web and Microsoft.Storage, which are very long, with the models of @azure/arm-appservice 15.0.0 and @azure/arm-storage
 * 18.3.0, which are generated from the same specification in the same API version. Ranges, and that a location is required, come from
 * the models or the descriptions.
 * By type, version, and name where resources of one type differ; see keyOf.
 */
export const publishedSchemas: Readonly<Record<string, PublishedSchema>> = {
  'Microsoft.Web/serverfarms@2023-12-01': resource(
    web,
    object({ perSiteScaling: flag, reserved: flag, zoneRedundant: flag }),
    { location: text, tags, kind: text, sku: object({ name: text, tier: text, capacity: whole }) },
    'location',
  ),
  'Microsoft.Web/sites@2023-12-01': resource(
    web,
    site,
    { location: text, tags, kind: text, identity },
    'location',
  ),
  'Microsoft.Web/sites/slots@2023-12-01': resource(
    web,
    site,
    { location: text, tags, kind: text, identity },
    'location',
  ),
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2023-12-01': publishing,
  'Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies@2023-12-01': publishing,
  'Microsoft.Web/sites/config@2023-12-01 slotConfigNames': resource(
    web,
    object({ appSettingNames: listOf(text), connectionStringNames: listOf(text) }),
  ),
  'Microsoft.Web/sites/config@2023-12-01 logs': resource(
    web,
    object({
      httpLogs: object({
        fileSystem: object({ enabled: flag, retentionInDays: whole, retentionInMb: between(25, 100) }),
      }),
    }),
  ),
  'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31': resource(
    '2023-01-31/Microsoft.ManagedIdentity.json',
    undefined,
    { location: text, tags },
  ),
  'Microsoft.Communication/communicationServices@2023-04-01': resource(
    '2023-04-01/Microsoft.Communication.json',
    object({ dataLocation: text, linkedDomains: listOf(text) }, 'dataLocation'),
    { name: named('^[-\\w]{1,63}$'), location: text, tags },
    'location',
  ),
  'Microsoft.Authorization/roleAssignments@2022-04-01': resource(
    '2022-04-01/Microsoft.Authorization.Authz.json',
    object(
      {
        roleDefinitionId: text,
        principalId: text,
        principalType: oneOf('User', 'Group', 'ServicePrincipal', 'ForeignGroup', 'Device'),
        description: text,
      },
      'roleDefinitionId',
      'principalId',
    ),
  ),
  'Microsoft.Storage/storageAccounts@2023-05-01': resource(
    '2023-05-01/Microsoft.Storage.json',
    object({
      allowBlobPublicAccess: flag,
      allowCrossTenantReplication: flag,
      allowSharedKeyAccess: flag,
      minimumTlsVersion: oneOf('TLS1_0', 'TLS1_1', 'TLS1_2', 'TLS1_3'),
      publicNetworkAccess: oneOf('Enabled', 'Disabled', 'SecuredByPerimeter'),
      supportsHttpsTrafficOnly: flag,
    }),
    {
      name: named('^[a-z0-9]{3,24}$'),
      location: text,
      tags,
      kind: oneOf('Storage', 'StorageV2', 'BlobStorage', 'FileStorage', 'BlockBlobStorage'),
      sku: object({ name: text }, 'name'),
    },
    'location',
    'kind',
    'sku',
  ),
  'Microsoft.Storage/storageAccounts/tableServices@2023-05-01': resource(
    '2023-05-01/Microsoft.Storage.json',
    object({}),
    { name: named('^.*/default$') },
  ),
  'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01': resource(
    '2023-05-01/Microsoft.Storage.json',
    object({}),
  ),
  'Microsoft.KeyVault/vaults@2023-07-01': resource(
    '2023-07-01/Microsoft.KeyVault.json',
    object(
      {
        tenantId: text,
        sku: object({ family: oneOf('A'), name: oneOf('standard', 'premium') }, 'family', 'name'),
        enablePurgeProtection: flag,
        enableRbacAuthorization: flag,
        enableSoftDelete: flag,
        publicNetworkAccess: text,
        softDeleteRetentionInDays: between(7, 90),
      },
      'tenantId',
      'sku',
    ),
    { location: text, tags },
  ),
  'Microsoft.KeyVault/vaults/secrets@2023-07-01': resource(
    '2023-07-01/Microsoft.KeyVault.json',
    object({ value: text, contentType: text }),
    { tags },
  ),
  ...publishedMonitoringSchemas,
};
