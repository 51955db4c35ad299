<#
.SYNOPSIS
Registers AuthServer (this API) and AuthClient (the app that calls it) in Microsoft Entra ID, and writes the server's
settings to .env.

.DESCRIPTION
It can be run repeatedly: it adds what is missing and changes nothing else. docs/app-registrations.md explains each step.
It does the same as register-apps.sh, for Windows PowerShell 5.1 and PowerShell 7: a test compares their calls.
Requires Node.js and the az CLI, signed in to the tenant (az login --tenant <tenant> --allow-no-subscriptions).

.PARAMETER ServerName
Name of the API's registration.
.PARAMETER ClientName
Name of the client's registration.
.PARAMETER SpaRedirect
Redirect URIs of single-page apps (default: those of the playground and of /docs).
.PARAMETER WebRedirect
Redirect URIs of web apps (default: http://localhost).
.PARAMETER PublicRedirect
Redirect URIs of desktop apps (default: https://oauth.pstmn.io/v1/callback, for Postman).
.PARAMETER NoTeams
Omit the permissions for Teams users (/exchangeToken).
.PARAMETER AdminConsent
Grant the permissions for the whole tenant; requires an administrator role.
.PARAMETER NewSecret
Create a new client secret even if the .env file has one.
.PARAMETER NoSecrets
Create no client secret and no mapping key: for a server in Azure, which has a managed identity.
.PARAMETER NoGraph
Omit the Graph permission, which only IDENTITY_STORE=graph needs.
.PARAMETER FederatedCredential
Principal (object) ID of a managed identity that may act as AuthServer, instead of a client secret.
.PARAMETER AzureCli
Let the az CLI get access tokens for the API, to try it out.
.PARAMETER EnvFile
The file to write.
.PARAMETER CleanUp
Delete both registrations, after a prompt.
.PARAMETER Yes
With -CleanUp: do not prompt.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File scripts/register-apps.ps1 -SpaRedirect https://app.contoso.com/
#>
[CmdletBinding()]
param(
  [string] $ServerName = 'AuthServer',
  [string] $ClientName = 'AuthClient',
  [string[]] $SpaRedirect = @(),
  [string[]] $WebRedirect = @('http://localhost'),
  [string[]] $PublicRedirect = @('https://oauth.pstmn.io/v1/callback'),
  [switch] $NoTeams,
  [switch] $AdminConsent,
  [switch] $NewSecret,
  [switch] $NoSecrets,
  [switch] $NoGraph,
  [string] $FederatedCredential = '',
  [switch] $AzureCli,
  [string] $EnvFile = '.env',
  [switch] $CleanUp,
  [switch] $Yes
)

# Stop would turn every line that az writes to its error output into an error.
$ErrorActionPreference = 'Continue'
# What is piped to Node is read as UTF-8.
$OutputEncoding = New-Object System.Text.UTF8Encoding $false

$GraphAppId = '00000003-0000-0000-c000-000000000000'
# The application "Azure Communication Services", the audience of Teams users' tokens.
$TeamsAppId = '1fd5118e-2576-4263-8130-9503064c837a'
# The application "Microsoft Azure CLI", the client when `az account get-access-token` gets a token.
$AzureCliAppId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
$ApiOrigin = 'http://localhost:3000'
$Library = Join-Path $PSScriptRoot 'lib'

# The origins of redirect URIs that the caller chose are always allowed; those of the defaults only in a new file.
$OwnRedirects = $SpaRedirect.Count -gt 0
if (-not $OwnRedirects) {
  $SpaRedirect = @('http://localhost:5173/redirect.html', 'http://localhost:5173/', "$ApiOrigin/docs/oauth2-redirect.html")
}

function Stop-Script([string] $Message) {
  [Console]::Error.WriteLine("register-apps: $Message")
  exit 1
}

# Runs az with these arguments and prints its output; throws if it fails.
function Invoke-Az {
  $Output = & az @args
  if ($LASTEXITCODE -ne 0) { throw 'az failed.' }
  $Output
}

# Retries: a new registration is not immediately visible everywhere in Entra.
function Invoke-WithRetry([scriptblock] $Command) {
  for ($Attempt = 1; $Attempt -le 5; $Attempt++) {
    try { return & $Command } catch {
      if ($Attempt -eq 5) { throw }
      Start-Sleep -Seconds ($Attempt * 2)
    }
  }
}

# Arguments with JSON are passed in files, because Windows PowerShell removes their quotes.
function Use-TemporaryFile([string] $Text, [scriptblock] $Command) {
  $File = [System.IO.Path]::GetTempFileName()
  try {
    [System.IO.File]::WriteAllText($File, $Text, (New-Object System.Text.UTF8Encoding $false))
    & $Command $File
  } finally {
    Remove-Item $File
  }
}

# Prints the app ID of the registration with this name; nothing if there is none.
function Find-App([string] $Name) {
  $Quoted = $Name.Replace("'", "''")
  $Found = @(Invoke-Az ad app list --filter "displayName eq '$Quoted'" --query '[].appId' --output tsv)
  if ($Found.Count -gt 1) {
    Stop-Script "the tenant has several registrations named $Name. Rename the others, or use another name."
  }
  if ($Found.Count -eq 1) { $Found[0] } else { '' }
}

function New-App([string] $Name) {
  Invoke-Az ad app create --display-name $Name --sign-in-audience AzureADMyOrg --query appId --output tsv
}

# Adds what is missing to the registration with this app ID; for the other arguments see registrationPatch.mjs.
function Update-App([string] $AppId, [string[]] $Required) {
  $App = Invoke-WithRetry { Invoke-Az ad app show --id $AppId --output json }
  $Missing = ($App -join "`n") | node (Join-Path $Library 'registrationPatch.mjs') @Required
  if (-not $Missing) { return }
  # The object ID, a space, and the body of the PATCH request.
  $ObjectId, $Body = $Missing.Split(' ', 2)
  Use-TemporaryFile $Body {
    param($BodyFile)
    Invoke-WithRetry { Invoke-Az rest --method PATCH --uri "$GraphEndpoint/v1.0/applications/$ObjectId" --headers Content-Type=application/json --body "@$BodyFile" --output none }
  }
}

# Consent and sign-in require a service principal in the tenant.
function Add-ServicePrincipal([string] $AppId) {
  $Found = Invoke-Az ad sp list --filter "appId eq '$AppId'" --query '[].id' --output tsv
  if (-not $Found) { Invoke-WithRetry { Invoke-Az ad sp create --id $AppId --output none } }
}

# Prints the ID of a delegated permission, given the app ID of the resource and the name of the permission.
function Get-PermissionId([string] $AppId, [string] $Permission) {
  $Id = Invoke-WithRetry { Invoke-Az ad sp show --id $AppId --query "oauth2PermissionScopes[?value=='$Permission'].id | [0]" --output tsv }
  if (-not $Id) { Stop-Script "the application $AppId has no delegated permission $Permission in this tenant." }
  $Id
}

# Lets the managed identity with this object ID act as the registration.
function Add-FederatedCredential([string] $AppId, [string] $PrincipalId) {
  $Found = Invoke-WithRetry { Invoke-Az ad app federated-credential list --id $AppId --query "[?subject=='$PrincipalId'].id" --output tsv }
  if ($Found) { return }
  $Audience = switch (Invoke-Az cloud show --query name --output tsv) {
    'AzureUSGovernment' { 'api://AzureADTokenExchangeUSGov' }
    'AzureChinaCloud' { 'api://AzureADTokenExchangeChina' }
    default { 'api://AzureADTokenExchange' }
  }
  $Credential = @{
    name = "managed-identity-$PrincipalId"
    issuer = "$AuthorityHost/$TenantId/v2.0"
    subject = $PrincipalId
    audiences = @($Audience)
  }
  Use-TemporaryFile (ConvertTo-Json $Credential) {
    param($CredentialFile)
    Invoke-WithRetry { Invoke-Az ad app federated-credential create --id $AppId --output none --parameters "@$CredentialFile" }
  }
}

# Deletes the registrations: Entra keeps them for 30 days, in which they can be restored.
function Remove-Apps {
  if (-not $ServerId) { $script:ServerId = Find-App $ServerName }
  $ClientId = Find-App $ClientName
  $AppIds = @($ServerId, $ClientId | Where-Object { $_ } | Select-Object -Unique)
  if ($AppIds.Count -eq 0) {
    Write-Output 'There is nothing to delete.'
    return
  }
  Write-Output "To delete   $($AppIds -join ' ')"
  if (-not $Yes) {
    $Answer = Read-Host 'No user can sign in with them any more. Type yes to delete them'
    if ($Answer -cne 'yes') { Stop-Script 'nothing was deleted.' }
  }
  foreach ($AppId in $AppIds) {
    Invoke-Az ad app delete --id $AppId
    Write-Output "Deleted     $AppId"
  }
  Write-Output "The settings in $EnvFile no longer work. For 30 days, the registrations can be restored in the portal."
}

if ($Yes -and -not $CleanUp) { Stop-Script '-Yes requires -CleanUp.' }
if ($NoSecrets -and $NewSecret) { Stop-Script '-NewSecret and -NoSecrets exclude each other.' }
if ($FederatedCredential -and $FederatedCredential -notmatch '^[0-9a-fA-F-]{36}$') {
  Stop-Script '-FederatedCredential needs the principal (object) ID of a managed identity.'
}
if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
  Stop-Script 'the az CLI is not installed. See https://learn.microsoft.com/cli/azure/install-azure-cli'
}
if (-not (Get-Command node -ErrorAction SilentlyContinue)) {
  Stop-Script 'Node.js is not installed. See https://nodejs.org'
}
try { $TenantId = Invoke-Az account show --query tenantId --output tsv } catch {
  Stop-Script 'the az CLI is not signed in. Run: az login --tenant <tenant> --allow-no-subscriptions'
}
$GraphEndpoint = (Invoke-Az cloud show --query endpoints.microsoftGraphResourceId --output tsv).TrimEnd('/')
$AuthorityHost = (Invoke-Az cloud show --query endpoints.activeDirectory --output tsv).TrimEnd('/')

# The current settings; empty if missing.
$KnownAuthority, $ServerId, $Secret, $ConnectionString, $Endpoint, $MappingKey, $AllowedClients, $Origins = @(
  node (Join-Path $Library 'envFile.mjs') get $EnvFile AZURE_AUTHORITY_HOST AZURE_CLIENT_ID AZURE_CLIENT_SECRET COMMUNICATION_SERVICES_CONNECTION_STRING COMMUNICATION_SERVICES_ENDPOINT IDENTITY_MAPPING_KEY ALLOWED_CLIENT_IDS CORS_ALLOWED_ORIGINS
)
if ($KnownAuthority -match '//(localhost|127\.0\.0\.1)') {
  Stop-Script "$EnvFile has the settings of the emulator. Rename it, or specify another file with -EnvFile."
}

Write-Output "Tenant      $TenantId"

if ($CleanUp) {
  Remove-Apps
  exit 0
}

# --- AuthServer: the API ---
if ($ServerId) {
  try { Invoke-Az ad app show --id $ServerId --output none } catch {
    Stop-Script "$EnvFile names the registration $ServerId (AZURE_CLIENT_ID), which does not exist in this tenant. Sign in to the correct tenant, or remove that line."
  }
} else {
  # Without AZURE_CLIENT_ID, an existing secret may belong to another registration.
  $NewSecret = $true
  $ServerId = Find-App $ServerName
  if (-not $ServerId) { $ServerId = New-App $ServerName }
}
if ($NoGraph) {
  Update-App $ServerId @('server')
} else {
  $GraphScope = Get-PermissionId $GraphAppId User.ReadWrite
  Update-App $ServerId @('server', "permission=${GraphAppId}:$GraphScope")
}
Add-ServicePrincipal $ServerId
$ScopeId = Invoke-WithRetry { Invoke-Az ad app show --id $ServerId --query "api.oauth2PermissionScopes[?value=='access_as_user'].id | [0]" --output tsv }
Write-Output "$ServerName  $ServerId"
if ($FederatedCredential) {
  Add-FederatedCredential $ServerId $FederatedCredential
  Write-Output "Credential  managed identity $FederatedCredential"
}

# --- AuthClient: the app that signs users in ---
$ClientId = Find-App $ClientName
if (-not $ClientId) { $ClientId = New-App $ClientName }
$Required = @('client', "permission=${ServerId}:$ScopeId")
if (-not $NoTeams) {
  Add-ServicePrincipal $TeamsAppId
  foreach ($Permission in 'Teams.ManageCalls', 'Teams.ManageChats') {
    $PermissionId = Get-PermissionId $TeamsAppId $Permission
    $Required += "permission=${TeamsAppId}:$PermissionId"
  }
}
foreach ($Uri in $SpaRedirect) { $Required += "spa=$Uri" }
foreach ($Uri in $WebRedirect) { $Required += "web=$Uri" }
foreach ($Uri in $PublicRedirect) { $Required += "public=$Uri" }
Update-App $ClientId $Required
Add-ServicePrincipal $ClientId
Write-Output "$ClientName  $ClientId"

# --- AuthServer preauthorizes AuthClient: no consent for its scope, and one combined consent for both apps ---
Update-App $ServerId @('link', "client=${ClientId}:$ScopeId")
if ($AzureCli) { Update-App $ServerId @('preauthorize', "client=${AzureCliAppId}:$ScopeId") }

if ($AdminConsent) {
  Invoke-WithRetry { Invoke-Az ad app permission admin-consent --id $ServerId }
  Invoke-WithRetry { Invoke-Az ad app permission admin-consent --id $ClientId }
  Write-Output 'Consent     granted for the whole tenant'
}

# --- .env ---
if (-not $NoSecrets -and (-not $Secret -or $NewSecret)) {
  $Secret = Invoke-WithRetry { Invoke-Az ad app credential reset --id $ServerId --append --years 1 --display-name register-apps --query password --output tsv --only-show-errors }
  Write-Output 'Secret      created, valid for one year'
}
if (-not $MappingKey -and -not $NoSecrets) {
  $MappingKey = node -p "require('node:crypto').randomBytes(32).toString('base64')"
}
$Clients = @("$AllowedClients".Split(',') | Where-Object { $_ })
if ($Clients.Count -eq 0) { $Clients = @($ClientId) }
if ($AzureCli -and $Clients -notcontains $AzureCliAppId) { $Clients += $AzureCliAppId }
$OriginList = @("$Origins".Split(',') | Where-Object { $_ })
if ($OriginList.Count -eq 0 -or $OwnRedirects) {
  foreach ($Uri in $SpaRedirect) {
    $Origin = ([Uri] $Uri).GetLeftPart([UriPartial]::Authority)
    # /docs has the API's own origin, so it needs no CORS.
    if ($Origin -ne $ApiOrigin -and $OriginList -notcontains $Origin) { $OriginList += $Origin }
  }
}

$Settings = @("AZURE_TENANT_ID=$TenantId", "AZURE_CLIENT_ID=$ServerId")
if (-not $NoSecrets) {
  $Settings += "AZURE_CLIENT_SECRET=$Secret", "IDENTITY_MAPPING_KEY=$MappingKey", "COMMUNICATION_SERVICES_CONNECTION_STRING=$ConnectionString"
}
if ($AuthorityHost -ne 'https://login.microsoftonline.com') {
  $Settings += "AZURE_AUTHORITY_HOST=$AuthorityHost", "GRAPH_ENDPOINT=$GraphEndpoint"
}
$Settings += "ALLOWED_CLIENT_IDS=$($Clients -join ',')", "CORS_ALLOWED_ORIGINS=$($OriginList -join ',')"
$Settings | node (Join-Path $Library 'envFile.mjs') set $EnvFile
if ($LASTEXITCODE -ne 0) { Stop-Script "$EnvFile could not be written." }
if ($NoSecrets) {
  Write-Output "Settings    $EnvFile"
  exit 0
}
Write-Output "Settings    $EnvFile (keep it secret)"

if (-not "$ConnectionString$Endpoint") {
  Write-Output "Still to do: set COMMUNICATION_SERVICES_CONNECTION_STRING in $EnvFile (Azure portal > your Communication Services resource > Keys)."
}
