/**
 * Facts from the published schemas of Azure resources (github.com/Azure/azure-resource-manager-schemas), for the types that the
 * templates use: names of properties, their types, allowed values, and which are required. Reduced: a property that is missing here
 * may exist. Look it up in the source file before you add it.
 */
export interface PublishedSchema {
  /** The file in that repository, below schemas/. */
  readonly source: string;
  readonly schema: object;
}

const text = { type: 'string' };
const expression = { type: 'string', pattern: '^\\[.+\\]$' };
const orExpression = (schema: object) => ({ anyOf: [schema, expression] });
const flag = orExpression({ type: 'boolean' });
const whole = orExpression({ type: 'integer' });
const oneOf = (...values: string[]) => orExpression({ enum: values });
const listOf = (items: object) => orExpression({ type: 'array', items });
const object = (properties: Record<string, object>, ...required: string[]) =>
  orExpression({ type: 'object', properties, required, additionalProperties: false });
const named = (pattern: string) => orExpression({ type: 'string', pattern });
const tags = orExpression({ type: 'object', additionalProperties: text });
const identity = object(
  {
    type: oneOf('None', 'SystemAssigned', 'UserAssigned', 'SystemAssigned, UserAssigned'),
    userAssignedIdentities: orExpression({ type: 'object', additionalProperties: { type: 'object' } }),
  },
  'type',
);

function resource(
  source: string,
  properties: object | undefined,
  more: Record<string, object> = {},
  ...required: string[]
): PublishedSchema {
  const own = properties ? { properties } : {};
  return {
    source,
    schema: {
      type: 'object',
      // What each resource of a template may have, whatever its type.
      properties: {
        '@options': { type: 'object', properties: { onlyIfNotExists: { type: 'boolean' } } },
        condition: flag,
        type: text,
        apiVersion: text,
        name: text,
        scope: expression,
        dependsOn: { type: 'array', items: text },
        ...own,
        ...more,
      },
      required: ['type', 'apiVersion', 'name', ...Object.keys(own), ...required],
      additionalProperties: false,
    },
  };
}

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

const condition = object({
  dimensions: listOf(
    object(
      { name: text, operator: oneOf('Include', 'Exclude'), values: listOf(text) },
      'name',
      'operator',
      'values',
    ),
  ),
  failingPeriods: object({ minFailingPeriodsToAlert: whole, numberOfEvaluationPeriods: whole }),
  metricMeasureColumn: text,
  operator: oneOf('Equals', 'GreaterThan', 'GreaterThanOrEqual', 'LessThan', 'LessThanOrEqual'),
  query: text,
  threshold: orExpression({ type: 'number' }),
  timeAggregation: oneOf('Count', 'Average', 'Minimum', 'Maximum', 'Total'),
});

/** By type, version, and name where resources of one type differ; see keyOf. */
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
        fileSystem: object({ enabled: flag, retentionInDays: whole, retentionInMb: whole }),
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
    { location: text, tags, identity },
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
      name: named('^[a-z0-9]+$'),
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
        softDeleteRetentionInDays: whole,
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
  'Microsoft.OperationalInsights/workspaces@2023-09-01': resource(
    '2023-09-01/Microsoft.OperationalInsights.json',
    object({
      retentionInDays: whole,
      sku: object(
        { name: oneOf('Free', 'Standalone', 'PerNode', 'PerGB2018', 'CapacityReservation') },
        'name',
      ),
      workspaceCapping: object({ dailyQuotaGb: whole }),
    }),
    { location: text, tags },
    'location',
  ),
  'Microsoft.Insights/components@2020-02-02': resource(
    '2020-02-02/Microsoft.Insights.json',
    object(
      {
        Application_Type: oneOf('web', 'other'),
        DisableLocalAuth: flag,
        RetentionInDays: whole,
        WorkspaceResourceId: text,
      },
      'Application_Type',
    ),
    { location: text, tags, kind: text },
    'kind',
    'location',
  ),
  'Microsoft.Insights/diagnosticSettings@2021-05-01-preview': resource(
    '2021-05-01-preview/Microsoft.Insights.json',
    object({
      workspaceId: text,
      logs: listOf(object({ category: text, categoryGroup: text, enabled: flag }, 'enabled')),
    }),
  ),
  'Microsoft.Insights/workbooks@2022-04-01': resource(
    '2022-04-01/Microsoft.Insights.Application.json',
    object(
      {
        category: text,
        description: text,
        displayName: text,
        serializedData: text,
        sourceId: text,
        version: text,
      },
      'category',
      'displayName',
      'serializedData',
    ),
    { location: text, tags, kind: oneOf('shared') },
    'location',
  ),
  'Microsoft.Insights/actionGroups@2023-01-01': resource(
    '2023-01-01/Microsoft.Insights.json',
    object(
      {
        groupShortName: text,
        enabled: flag,
        emailReceivers: listOf(
          object({ name: text, emailAddress: text, useCommonAlertSchema: flag }, 'name', 'emailAddress'),
        ),
      },
      'enabled',
      'groupShortName',
    ),
    { location: text, tags },
    'location',
  ),
  'Microsoft.Insights/scheduledQueryRules@2022-06-15': resource(
    '2022-06-15/Microsoft.Insights.json',
    object({
      actions: object({ actionGroups: listOf(text) }),
      autoMitigate: flag,
      criteria: object({ allOf: listOf(condition) }),
      description: text,
      displayName: text,
      enabled: flag,
      evaluationFrequency: text,
      overrideQueryTimeRange: text,
      scopes: listOf(text),
      severity: whole,
      windowSize: text,
    }),
    { location: text, tags, kind: oneOf('LogAlert', 'LogToMetric') },
  ),
};
