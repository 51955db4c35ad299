// What `azd up` deploys: a resource group with everything in app.bicep. See docs/deploy-to-azure.md.
targetScope = 'subscription'

@description('Name of the azd environment. It becomes part of the name of the resource group.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of the resources.')
@minLength(1)
param location string

@description('Tenant of the app registrations.')
param tenantId string = subscription().tenantId

@description('Application (client) ID of AuthServer.')
param authServerClientId string

@description('Comma-separated client IDs of the applications that may call; empty: every application of the tenant.')
param allowedClientIds string = ''

@description('Comma-separated origins of single-page apps; empty: none.')
param corsAllowedOrigins string = ''

@description('Where identity mappings are kept.')
@allowed(['table', 'graph', 'acs'])
param identityStore string = 'table'

@description('Name of the open extension; used with the graph store only.')
param graphExtensionName string = 'com.contoso.identityMapping'

@description('Where Communication Services keeps its data. It cannot be changed later.')
param dataLocation string = 'Europe'

@description('Size of the App Service plan. Every size except B1 has a staging slot.')
@allowed(['B1', 'S1', 'P0v3', 'P1v3'])
param planSku string = 'B1'

@description('Email address that alerts go to; empty: they are only shown in the portal.')
param alertEmail string = ''

var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module app 'app.bicep' = {
  name: 'app'
  scope: group
  params: {
    location: location
    tags: tags
    tenantId: tenantId
    authServerClientId: authServerClientId
    allowedClientIds: allowedClientIds
    corsAllowedOrigins: corsAllowedOrigins
    identityStore: identityStore
    graphExtensionName: graphExtensionName
    dataLocation: dataLocation
    planSku: planSku
    alertEmail: alertEmail
  }
}

// azd stores these in its environment under the same names.
output AZURE_RESOURCE_GROUP string = group.name
output WEB_APP_NAME string = app.outputs.webAppName
output WEB_APP_URL string = app.outputs.webAppUrl
output MANAGED_IDENTITY_PRINCIPAL_ID string = app.outputs.managedIdentityPrincipalId
