// The server on Azure App Service, and everything that it needs, in one resource group and without secrets to manage. azuredeploy.json is
// the same for the portal's "Deploy to Azure" button; test/infra compares the two. Without private networking: all services have public
// endpoints that require Microsoft Entra ID.

@description('Name of the web app, unique in Azure. It becomes part of its address.')
@minLength(2)
@maxLength(50)
param webAppName string = 'acs-auth-${uniqueString(resourceGroup().id)}'

@description('Region of the resources.')
param location string = resourceGroup().location

@description('Tags of all resources.')
param tags object = {}

@description('Tenant of the app registrations.')
param tenantId string = subscription().tenantId

@description('Application (client) ID of AuthServer. scripts/register-apps.sh creates the registration and prints the ID.')
@minLength(36)
@maxLength(36)
param authServerClientId string

@description('Comma-separated client IDs of the applications that may call; empty: every application of the tenant.')
param allowedClientIds string = ''

@description('Comma-separated origins of single-page apps, such as https://app.contoso.com; empty: none.')
param corsAllowedOrigins string = ''

@description('Where identity mappings are kept. table: Azure Table Storage. graph: on the user in Microsoft Entra ID. acs (preview): in Communication Services.')
@allowed(['table', 'graph', 'acs'])
param identityStore string = 'table'

@description('Name of the open extension, under a domain of yours; used with the graph store only. It cannot be changed later.')
param graphExtensionName string = 'com.contoso.identityMapping'

@description('Where Communication Services keeps its data. It cannot be changed later.')
param dataLocation string = 'Europe'

@description('Size of the App Service plan. Every size except B1 has a staging slot, and costs about five times as much.')
@allowed(['B1', 'S1', 'P0v3', 'P1v3'])
param planSku string = 'B1'

@description('Address of a package built by npm run package, from which the server runs; empty: the package is uploaded after this deployment.')
param packageUrl string = ''

@description('Email address that alerts go to; empty: they are only shown in the portal.')
param alertEmail string = ''

@description('Key of the identity mappings, base64 of at least 32 bytes; used with the graph and acs stores only. Stored once: a later deployment does not change it.')
@secure()
param mappingKey string = base64('${newGuid()}${newGuid()}')

var tableName = 'identityMappings'
var storageAccountName = 'acsauth${uniqueString(resourceGroup().id)}'
var vaultName = 'acsauth-${uniqueString(resourceGroup().id)}'
var mappingKeyName = 'identity-mapping-key'
var usesTable = identityStore == 'table'
var usesMappingKey = identityStore != 'table'
var hasStagingSlot = planSku != 'B1'

// The built-in roles. Communication Services has no role for identities and tokens alone; this is the narrowest that allows them.
var communicationOwnerRole = '09976791-48a7-449e-bb21-39d1a415f350'
var tableContributorRole = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var secretsUserRole = '4633458b-17de-408a-b874-0445c86b69e6'

// The web app and its staging slot have the same properties. An empty setting counts as not set.
var siteProperties = {
  serverFarmId: plan.id
  httpsOnly: true
  clientAffinityEnabled: false
  keyVaultReferenceIdentity: identity.id
  siteConfig: {
    linuxFxVersion: 'NODE|22-lts'
    alwaysOn: true
    http20Enabled: true
    minTlsVersion: '1.2'
    scmMinTlsVersion: '1.2'
    ftpsState: 'Disabled'
    healthCheckPath: '/health/ready'
    appSettings: [
      { name: 'NODE_ENV', value: 'production' }
      { name: 'AZURE_TENANT_ID', value: tenantId }
      { name: 'AZURE_CLIENT_ID', value: authServerClientId }
      { name: 'AZURE_CLIENT_ASSERTION', value: identityStore == 'graph' ? 'managed_identity' : '' }
      { name: 'MANAGED_IDENTITY_CLIENT_ID', value: identity.properties.clientId }
      { name: 'COMMUNICATION_SERVICES_ENDPOINT', value: 'https://${communication.properties.hostName}' }
      { name: 'IDENTITY_STORE', value: identityStore }
      { name: 'TABLES_ENDPOINT', value: usesTable ? 'https://${storageAccountName}.table.${environment().suffixes.storage}' : '' }
      { name: 'TABLES_NAME', value: usesTable ? tableName : '' }
      { name: 'GRAPH_EXTENSION_NAME', value: identityStore == 'graph' ? graphExtensionName : '' }
      { name: 'IDENTITY_MAPPING_KEY', value: usesMappingKey ? '@Microsoft.KeyVault(SecretUri=https://${vaultName}${environment().suffixes.keyvaultDns}/secrets/${mappingKeyName})' : '' }
      { name: 'ALLOWED_CLIENT_IDS', value: allowedClientIds }
      { name: 'CORS_ALLOWED_ORIGINS', value: corsAllowedOrigins }
      { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: insights.properties.ConnectionString }
      // A setting of the platform, not of the server.
      { name: 'WEBSITE_RUN_FROM_PACKAGE', value: empty(packageUrl) ? '1' : packageUrl }
      { name: 'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'false' }
      { name: 'WEBSITE_WARMUP_PATH', value: '/health/ready' }
      { name: 'WEBSITE_WARMUP_STATUSES', value: '200' }
      { name: 'WEBSITE_SWAP_WARMUP_PING_PATH', value: '/health/ready' }
      { name: 'WEBSITE_SWAP_WARMUP_PING_STATUSES', value: '200' }
    ]
  }
}

// --- The identity that the server signs in with ---

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${webAppName}-identity'
  location: location
  tags: tags
}

// --- Communication Services ---

resource communication 'Microsoft.Communication/communicationServices@2023-04-01' = {
  name: '${webAppName}-acs'
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
  }
}

resource communicationRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(communication.id, identity.id, communicationOwnerRole)
  scope: communication
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', communicationOwnerRole)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// --- The table of the identity mappings, without account keys ---

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = if (usesTable) {
  name: storageAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' = if (usesTable) {
  parent: storage
  name: 'default'
  properties: {}
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = if (usesTable) {
  parent: tableService
  name: tableName
  properties: {}
}

resource tableRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (usesTable) {
  name: guid(table.id, identity.id, tableContributorRole)
  scope: table
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableContributorRole)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// --- The mapping key, for the stores that need one ---

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = if (usesMappingKey) {
  name: vaultName
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
  }
}

// Another key would make every mapping unusable, so an existing one is never replaced.
@onlyIfNotExists()
resource mappingKeySecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (usesMappingKey) {
  parent: vault
  name: mappingKeyName
  properties: {
    value: mappingKey
  }
}

resource secretRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (usesMappingKey) {
  name: guid(mappingKeySecret.id, identity.id, secretsUserRole)
  scope: mappingKeySecret
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUserRole)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// --- Logs and telemetry ---

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${webAppName}-logs'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    // Limits the cost.
    workspaceCapping: { dailyQuotaGb: 1 }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${webAppName}-insights'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
  }
}

// --- Dashboard and alerts: the queries use the names in src/telemetry/names.ts; test/infra compares them ---

var requestsQuery = '''
requests
| summarize requests = sum(itemCount), p95 = percentile(duration, 95) by bin(timestamp, 5m), name
| order by timestamp asc
'''

var errorsQuery = '''
requests
| extend error = tostring(customDimensions["acs_auth.error"])
| where isnotempty(error)
| summarize requests = sum(itemCount) by error, resultCode
| order by requests desc
'''

var upstreamsQuery = '''
dependencies
| extend upstream = tostring(customDimensions["acs_auth.upstream"]), operation = tostring(customDimensions["acs_auth.operation"])
| where isnotempty(upstream)
| summarize calls = sum(itemCount), failed = sumif(itemCount, success == "False"), p95 = percentile(duration, 95) by upstream, operation
| order by calls desc
'''

var retriesQuery = '''
traces
| where message in ("retry", "circuit breaker open")
| summarize events = sum(itemCount) by message, bin(timestamp, 5m)
| order by timestamp asc
'''

var identitiesQuery = '''
customMetrics
| where name in ("acs_auth.identities", "acs_auth.orphans", "acs_auth.tokens")
| extend outcome = tostring(customDimensions["acs_auth.outcome"])
| summarize total = sum(valueSum) by name, outcome
| order by name asc
'''

var refusedQuery = '''
customMetrics
| where name == "acs_auth.refused_tokens"
| extend reason = tostring(customDimensions["acs_auth.reason"])
| summarize refused = sum(valueSum) by reason, bin(timestamp, 5m)
| order by timestamp asc
'''

var cachesQuery = '''
customMetrics
| where name == "acs_auth.cache.lookups"
| extend cache = tostring(customDimensions["acs_auth.cache"]), hit = tostring(customDimensions["acs_auth.cache.hit"])
| summarize lookups = sum(valueSum), hits = sumif(valueSum, hit == "true") by cache
| extend hitRate = round(100.0 * hits / lookups, 1)
'''

var processQuery = '''
customMetrics
| where name in ("nodejs.eventloop.delay.p99", "nodejs.eventloop.delay.max", "acs_auth.circuit_breaker.open")
| summarize highest = max(valueMax) by name, bin(timestamp, 5m), cloud_RoleInstance
| order by timestamp asc
'''

// The share of failed requests: none while there are few requests, 100 % if no instance reports.
var availabilityQuery = '''
let reporting = toscalar(customMetrics | where name == "nodejs.eventloop.delay.p99" | count);
requests
| summarize total = sum(itemCount), failed = sumif(itemCount, toint(resultCode) >= 500)
| extend failedPercent = case(reporting == 0, 100.0, total < 20, 0.0, 100.0 * failed / total)
| project failedPercent
'''

var upstreamFailingQuery = '''
dependencies
| extend upstream = tostring(customDimensions["acs_auth.upstream"])
| where isnotempty(upstream)
| summarize total = sum(itemCount), failed = sumif(itemCount, success == "False") by upstream
| where total >= 20
| project upstream, failedPercent = 100.0 * failed / total
'''

// Compared with the average quarter of an hour of the day before. Missing and expired tokens are normal.
var refusedSpikeQuery = '''
customMetrics
| where name == "acs_auth.refused_tokens"
| where tostring(customDimensions["acs_auth.reason"]) !in ("missing_token", "token_expired")
| summarize recent = sumif(valueSum, timestamp > ago(15m)), earlier = sumif(valueSum, timestamp <= ago(15m))
| project spike = iff(recent > 5.0 * earlier / 95, recent, 0.0)
'''

var orphansLostQuery = '''
customMetrics
| where name == "acs_auth.orphans"
| where tostring(customDimensions["acs_auth.outcome"]) == "lost"
| summarize lost = sum(valueSum)
'''

// The latest value of each instance, so that the alert ends after a renewal.
var credentialExpiringQuery = '''
customMetrics
| where name == "acs_auth.credential.time_to_expiry"
| extend credential = tostring(customDimensions["acs_auth.credential"])
| summarize arg_max(timestamp, value) by credential, cloud_RoleInstance
| summarize daysLeft = min(value) / 86400 by credential
'''

var workbookQuery = { version: 'KqlItem/1.0', size: 0, timeContext: { durationMs: 86400000 }, queryType: 0, resourceType: 'microsoft.insights/components' }

var workbookItems = [
  { type: 3, name: 'requests', content: union(workbookQuery, { title: 'Requests', query: requestsQuery, visualization: 'timechart' }) }
  { type: 3, name: 'errors', content: union(workbookQuery, { title: 'Errors by code', query: errorsQuery, visualization: 'table' }) }
  { type: 3, name: 'upstreams', content: union(workbookQuery, { title: 'Upstreams', query: upstreamsQuery, visualization: 'table' }) }
  { type: 3, name: 'retries', content: union(workbookQuery, { title: 'Retries and open circuit breakers', query: retriesQuery, visualization: 'timechart' }) }
  { type: 3, name: 'identities', content: union(workbookQuery, { title: 'Identities, orphans and tokens', query: identitiesQuery, visualization: 'table' }) }
  { type: 3, name: 'refused', content: union(workbookQuery, { title: 'Refused access tokens by reason', query: refusedQuery, visualization: 'timechart' }) }
  { type: 3, name: 'caches', content: union(workbookQuery, { title: 'Cache hit rates', query: cachesQuery, visualization: 'table' }) }
  { type: 3, name: 'process', content: union(workbookQuery, { title: 'Event loop delay (seconds) and open circuit breakers', query: processQuery, visualization: 'timechart' }) }
]

var onFirstFailure = { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
var sendsAlerts = !empty(alertEmail)
var alertActions = sendsAlerts ? [alertMail.id] : []

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(resourceGroup().id, webAppName, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'ACS authentication server'
    category: 'workbook'
    sourceId: insights.id
    version: 'Notebook/1.0'
    serializedData: string({ version: 'Notebook/1.0', items: workbookItems, isLocked: false, fallbackResourceIds: [insights.id] })
  }
}

resource alertMail 'Microsoft.Insights/actionGroups@2023-01-01' = if (sendsAlerts) {
  name: '${webAppName}-alerts'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'acsauth'
    enabled: true
    emailReceivers: [
      { name: 'operator', emailAddress: alertEmail, useCommonAlertSchema: true }
    ]
  }
}

resource availabilityAlert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = {
  name: '${webAppName}-availability'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Users are not served'
    description: 'More than 10 % of the requests fail with a 5xx status, or no instance has reported for 15 minutes.'
    enabled: true
    severity: 1
    scopes: [insights.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        { query: availabilityQuery, metricMeasureColumn: 'failedPercent', timeAggregation: 'Maximum', operator: 'GreaterThan', threshold: 10, failingPeriods: onFirstFailure }
      ]
    }
    actions: { actionGroups: alertActions }
  }
}

resource upstreamAlert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = {
  name: '${webAppName}-upstream-failing'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'An upstream fails'
    description: 'More than half of the calls to Entra ID, Microsoft Graph, Communication Services or the table fail.'
    enabled: true
    severity: 2
    scopes: [insights.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT10M'
    criteria: {
      allOf: [
        { query: upstreamFailingQuery, metricMeasureColumn: 'failedPercent', timeAggregation: 'Maximum', dimensions: [{ name: 'upstream', operator: 'Include', values: ['*'] }], operator: 'GreaterThan', threshold: 50, failingPeriods: onFirstFailure }
      ]
    }
    actions: { actionGroups: alertActions }
  }
}

resource refusedTokensAlert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = {
  name: '${webAppName}-refused-tokens'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Many access tokens are refused'
    description: 'Five times as many as usual, and at least 100 in 15 minutes: an attack, or a client with a wrong setting.'
    enabled: true
    severity: 2
    scopes: [insights.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    overrideQueryTimeRange: 'P1D'
    criteria: {
      allOf: [
        { query: refusedSpikeQuery, metricMeasureColumn: 'spike', timeAggregation: 'Maximum', operator: 'GreaterThanOrEqual', threshold: 100, failingPeriods: onFirstFailure }
      ]
    }
    actions: { actionGroups: alertActions }
  }
}

resource orphansAlert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = {
  name: '${webAppName}-orphans-lost'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'An identity must be deleted manually'
    description: 'An identity that could not be mapped could not be deleted either. The log has its id.'
    enabled: true
    severity: 2
    scopes: [insights.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        { query: orphansLostQuery, metricMeasureColumn: 'lost', timeAggregation: 'Total', operator: 'GreaterThan', threshold: 0, failingPeriods: onFirstFailure }
      ]
    }
    // The alert does not end by itself.
    autoMitigate: false
    actions: { actionGroups: alertActions }
  }
}

resource credentialAlert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = {
  name: '${webAppName}-credential-expiring'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'The client certificate expires'
    description: 'In less than 30 days. A managed identity, the default of this template, has nothing that expires.'
    enabled: true
    severity: 2
    scopes: [insights.id]
    evaluationFrequency: 'PT1H'
    windowSize: 'PT6H'
    criteria: {
      allOf: [
        { query: credentialExpiringQuery, metricMeasureColumn: 'daysLeft', timeAggregation: 'Minimum', operator: 'LessThan', threshold: 30, failingPeriods: onFirstFailure }
      ]
    }
    actions: { actionGroups: alertActions }
  }
}

// --- The web app ---

resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: '${webAppName}-plan'
  location: location
  tags: tags
  kind: 'linux'
  sku: { name: planSku }
  properties: {
    // Linux.
    reserved: true
  }
}

resource web 'Microsoft.Web/sites@2023-12-01' = {
  name: webAppName
  location: location
  // azd finds the web app of its service "api" by this tag.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'app,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: siteProperties
  dependsOn: [
    communicationRole
    tableRole
    secretRole
  ]
}

resource webFtpCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2023-12-01' = {
  parent: web
  name: 'ftp'
  properties: { allow: false }
}

resource webScmCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2023-12-01' = {
  parent: web
  name: 'scm'
  properties: { allow: false }
}

// These stay with the slot in a swap, so that the staging slot can have other values.
resource webSlotSettings 'Microsoft.Web/sites/config@2023-12-01' = {
  parent: web
  name: 'slotConfigNames'
  properties: {
    appSettingNames: ['API_DOCS', 'LOG_LEVEL']
  }
}

// What the server prints, for `az webapp log tail` and for Log Analytics.
resource webLogs 'Microsoft.Web/sites/config@2023-12-01' = {
  parent: web
  name: 'logs'
  properties: {
    httpLogs: { fileSystem: { enabled: true, retentionInDays: 3, retentionInMb: 35 } }
  }
}

resource webDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: web
  properties: {
    workspaceId: workspace.id
    logs: [
      { category: 'AppServiceConsoleLogs', enabled: true }
      { category: 'AppServicePlatformLogs', enabled: true }
    ]
  }
}

resource slot 'Microsoft.Web/sites/slots@2023-12-01' = if (hasStagingSlot) {
  parent: web
  name: 'staging'
  location: location
  tags: tags
  kind: 'app,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: siteProperties
}

resource slotFtpCredentials 'Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies@2023-12-01' = if (hasStagingSlot) {
  parent: slot
  name: 'ftp'
  properties: { allow: false }
}

resource slotScmCredentials 'Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies@2023-12-01' = if (hasStagingSlot) {
  parent: slot
  name: 'scm'
  properties: { allow: false }
}

output webAppName string = web.name
output webAppUrl string = 'https://${web.properties.defaultHostName}'
output managedIdentityPrincipalId string = identity.properties.principalId
output managedIdentityClientId string = identity.properties.clientId
output communicationServicesEndpoint string = 'https://${communication.properties.hostName}'
output keyVaultName string = usesMappingKey ? vaultName : ''
