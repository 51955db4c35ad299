// The server on Azure App Service, and everything that it needs, in one resource group and without a secret that someone must keep.
// azuredeploy.json is the same for the portal's "Deploy to Azure" button; test/infra holds the two together.
// Not part of it: private networking. All services have public endpoints, guarded by Microsoft Entra ID.

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
      // Of the platform, not of the server.
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
    // An upper limit of the cost.
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
