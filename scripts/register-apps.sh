#!/usr/bin/env bash
# Registers AuthServer (this API) and AuthClient (the app that calls it) in Microsoft Entra ID, and writes the server's
# settings to .env. It can be run repeatedly: it adds what is missing and changes nothing else.
# docs/app-registrations.md explains each step. register-apps.ps1 does the same for PowerShell: a test compares their calls.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/register-apps.sh [options]

  --server-name NAME     name of the API's registration (default: AuthServer)
  --client-name NAME     name of the client's registration (default: AuthClient)
  --spa-redirect URI     redirect URI of a single-page app; repeatable (default: those of the playground and of /docs)
  --web-redirect URI     redirect URI of a web app; repeatable (default: http://localhost)
  --public-redirect URI  redirect URI of a desktop app; repeatable (default: https://oauth.pstmn.io/v1/callback, for Postman)
  --no-teams             omit the permissions for Teams users (/exchangeToken)
  --admin-consent        grant the permissions for the whole tenant; requires an administrator role
  --new-secret           create a new client secret even if the .env file has one
  --no-secrets           create no client secret and no mapping key: for a server in Azure, which has a managed identity
  --no-graph             omit the Graph permission, which only IDENTITY_STORE=graph needs
  --federated-credential PRINCIPAL_ID
                         let this managed identity act as AuthServer, instead of a client secret
  --azure-cli            let the az CLI get access tokens for the API, to try it out
  --env FILE             the file to write (default: .env)
  --clean-up             delete both registrations, after a prompt
  --yes                  with --clean-up: do not prompt
  --help                 show this help

Requires Node.js and the az CLI, signed in to the tenant (az login --tenant <tenant> --allow-no-subscriptions).
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly graph_app_id=00000003-0000-0000-c000-000000000000
# The application "Azure Communication Services", the audience of Teams users' tokens.
readonly teams_app_id=1fd5118e-2576-4263-8130-9503064c837a
# The application "Microsoft Azure CLI", the client when `az account get-access-token` gets a token.
readonly azure_cli_app_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46
readonly api_origin=http://localhost:3000

server_name=AuthServer
client_name=AuthClient
spa_redirects=()
web_redirects=()
public_redirects=()
teams=true
admin_consent=false
new_secret=false
secrets=true
graph=true
federated_principal=
azure_cli=false
env_file=.env
clean_up=false
yes=false

fail() {
  printf 'register-apps: %s\n' "$1" >&2
  exit 1
}

say() { printf '%s\n' "$1"; }

while (($# > 0)); do
  case $1 in
    --server-name | --client-name | --spa-redirect | --web-redirect | --public-redirect | --env | --federated-credential)
      (($# > 1)) || fail "$1 needs a value. See --help."
      case $1 in
        --server-name) server_name=$2 ;;
        --client-name) client_name=$2 ;;
        --spa-redirect) spa_redirects+=("$2") ;;
        --web-redirect) web_redirects+=("$2") ;;
        --public-redirect) public_redirects+=("$2") ;;
        --env) env_file=$2 ;;
        --federated-credential) federated_principal=$2 ;;
      esac
      shift 2
      ;;
    --no-teams) teams=false && shift ;;
    --admin-consent) admin_consent=true && shift ;;
    --new-secret) new_secret=true && shift ;;
    --no-secrets) secrets=false && shift ;;
    --no-graph) graph=false && shift ;;
    --azure-cli) azure_cli=true && shift ;;
    --clean-up) clean_up=true && shift ;;
    --yes) yes=true && shift ;;
    --help | -h) usage && exit 0 ;;
    *) fail "unknown option $1. See --help." ;;
  esac
done
# The origins of redirect URIs that the caller chose are always allowed; those of the defaults only in a new file.
own_redirects=true
((${#spa_redirects[@]} > 0)) || own_redirects=false
[[ $own_redirects == true ]] || spa_redirects=(
  http://localhost:5173/redirect.html
  http://localhost:5173/
  "$api_origin/docs/oauth2-redirect.html"
)
((${#web_redirects[@]} > 0)) || web_redirects=(http://localhost)
((${#public_redirects[@]} > 0)) || public_redirects=(https://oauth.pstmn.io/v1/callback)

# Retries: a new registration is not immediately visible everywhere in Entra.
retry() {
  local attempt
  for attempt in 1 2 3 4 5; do
    "$@" && return 0
    ((attempt == 5)) || sleep $((attempt * 2))
  done
  return 1
}

# Scheme, host and port of a URL.
origin_of() {
  local rest=${1#*://}
  printf '%s://%s' "${1%%://*}" "${rest%%/*}"
}

# Prints the app ID of the registration with this name; nothing if there is none.
find_app() {
  local found
  found=$(az ad app list --filter "displayName eq '${1//\'/\'\'}'" --query '[].appId' --output tsv)
  [[ $found != *$'\n'* ]] ||
    fail "the tenant has several registrations named $1. Rename the others, or use another name (see --help)."
  printf '%s' "$found"
}

create_app() {
  az ad app create --display-name "$1" --sign-in-audience AzureADMyOrg --query appId --output tsv
}

# Adds what is missing to the registration with this app ID; for the other arguments see registrationPatch.mjs.
update_app() {
  local app_id=$1 app missing
  shift
  app=$(retry az ad app show --id "$app_id" --output json)
  missing=$(node "$here/lib/registrationPatch.mjs" "$@" <<<"$app")
  [[ -n $missing ]] || return 0
  # The object ID, a space, and the body of the PATCH request.
  retry az rest --method PATCH --uri "$graph_endpoint/v1.0/applications/${missing%% *}" \
    --headers Content-Type=application/json --body "${missing#* }" --output none
}

# Consent and sign-in require a service principal in the tenant.
ensure_service_principal() {
  local found
  found=$(az ad sp list --filter "appId eq '$1'" --query '[].id' --output tsv)
  [[ -n $found ]] || retry az ad sp create --id "$1" --output none
}

# Prints the ID of a delegated permission, given the app ID of the resource and the name of the permission.
permission_id() {
  local id
  id=$(retry az ad sp show --id "$1" --query "oauth2PermissionScopes[?value=='$2'].id | [0]" --output tsv)
  [[ -n $id ]] || fail "the application $1 has no delegated permission $2 in this tenant."
  printf '%s' "$id"
}

# Lets the managed identity with this object ID act as the registration.
ensure_federated_credential() {
  local app_id=$1 principal_id=$2 found audience
  found=$(retry az ad app federated-credential list --id "$app_id" --query "[?subject=='$principal_id'].id" --output tsv)
  [[ -z $found ]] || return 0
  case $(az cloud show --query name --output tsv) in
    AzureUSGovernment) audience=api://AzureADTokenExchangeUSGov ;;
    AzureChinaCloud) audience=api://AzureADTokenExchangeChina ;;
    *) audience=api://AzureADTokenExchange ;;
  esac
  retry az ad app federated-credential create --id "$app_id" --output none --parameters "$(
    printf '{"name":"managed-identity-%s","issuer":"%s/%s/v2.0","subject":"%s","audiences":["%s"]}' \
      "$principal_id" "$authority_host" "$tenant_id" "$principal_id" "$audience"
  )"
}

# Deletes the registrations: Entra keeps them for 30 days, in which they can be restored.
delete_apps() {
  local answer='' app_id app_ids=()
  [[ -n $server_id ]] || server_id=$(find_app "$server_name")
  client_id=$(find_app "$client_name")
  [[ -z $server_id ]] || app_ids+=("$server_id")
  [[ -z $client_id || $client_id == "$server_id" ]] || app_ids+=("$client_id")
  if ((${#app_ids[@]} == 0)); then
    say 'There is nothing to delete.'
    return 0
  fi
  say "To delete   ${app_ids[*]}"
  if [[ $yes == false ]]; then
    printf 'No user can sign in with them any more. Type yes to delete them: '
    read -r answer || true
    [[ $answer == yes ]] || fail 'nothing was deleted.'
  fi
  for app_id in "${app_ids[@]}"; do
    az ad app delete --id "$app_id"
    say "Deleted     $app_id"
  done
  say "The settings in $env_file no longer work. For 30 days, the registrations can be restored in the portal."
}

[[ $yes == false || $clean_up == true ]] || fail '--yes requires --clean-up.'
[[ $secrets == true || $new_secret == false ]] || fail '--new-secret and --no-secrets exclude each other.'
[[ -z $federated_principal || $federated_principal =~ ^[0-9a-fA-F-]{36}$ ]] ||
  fail '--federated-credential needs the principal (object) ID of a managed identity.'
command -v az >/dev/null || fail 'the az CLI is not installed. See https://learn.microsoft.com/cli/azure/install-azure-cli'
command -v node >/dev/null || fail 'Node.js is not installed. See https://nodejs.org'
tenant_id=$(az account show --query tenantId --output tsv) ||
  fail 'the az CLI is not signed in. Run: az login --tenant <tenant> --allow-no-subscriptions'
graph_endpoint=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
graph_endpoint=${graph_endpoint%/}
authority_host=$(az cloud show --query endpoints.activeDirectory --output tsv)
authority_host=${authority_host%/}

# The current settings; empty if missing.
{
  read -r known_authority
  read -r server_id
  read -r secret
  read -r connection_string
  read -r endpoint
  read -r mapping_key
  read -r allowed_clients
  read -r origins
} < <(node "$here/lib/envFile.mjs" get "$env_file" AZURE_AUTHORITY_HOST AZURE_CLIENT_ID AZURE_CLIENT_SECRET \
  COMMUNICATION_SERVICES_CONNECTION_STRING COMMUNICATION_SERVICES_ENDPOINT IDENTITY_MAPPING_KEY \
  ALLOWED_CLIENT_IDS CORS_ALLOWED_ORIGINS)

case $known_authority in
  *//localhost* | *//127.0.0.1*)
    fail "$env_file has the settings of the emulator. Rename it, or specify another file with --env."
    ;;
esac

say "Tenant      $tenant_id"

if [[ $clean_up == true ]]; then
  delete_apps
  exit 0
fi

# --- AuthServer: the API ---
if [[ -n $server_id ]]; then
  az ad app show --id "$server_id" --output none ||
    fail "$env_file names the registration $server_id (AZURE_CLIENT_ID), which does not exist in this tenant. Sign in to the correct tenant, or remove that line."
else
  # Without AZURE_CLIENT_ID, an existing secret may belong to another registration.
  new_secret=true
  server_id=$(find_app "$server_name")
  [[ -n $server_id ]] || server_id=$(create_app "$server_name")
fi
if [[ $graph == true ]]; then
  graph_scope=$(permission_id "$graph_app_id" User.ReadWrite)
  update_app "$server_id" server "permission=$graph_app_id:$graph_scope"
else
  update_app "$server_id" server
fi
ensure_service_principal "$server_id"
scope_id=$(retry az ad app show --id "$server_id" \
  --query "api.oauth2PermissionScopes[?value=='access_as_user'].id | [0]" --output tsv)
say "$server_name  $server_id"
if [[ -n $federated_principal ]]; then
  ensure_federated_credential "$server_id" "$federated_principal"
  say "Credential  managed identity $federated_principal"
fi

# --- AuthClient: the app that signs users in ---
client_id=$(find_app "$client_name")
[[ -n $client_id ]] || client_id=$(create_app "$client_name")
settings=("permission=$server_id:$scope_id")
if [[ $teams == true ]]; then
  ensure_service_principal "$teams_app_id"
  for permission in Teams.ManageCalls Teams.ManageChats; do
    settings+=("permission=$teams_app_id:$(permission_id "$teams_app_id" "$permission")")
  done
fi
for uri in "${spa_redirects[@]}"; do
  settings+=("spa=$uri")
done
for uri in "${web_redirects[@]}"; do
  settings+=("web=$uri")
done
for uri in "${public_redirects[@]}"; do
  settings+=("public=$uri")
done
update_app "$client_id" client "${settings[@]}"
ensure_service_principal "$client_id"
say "$client_name  $client_id"

# --- AuthServer preauthorizes AuthClient: no consent for its scope, and one combined consent for both apps ---
update_app "$server_id" link "client=$client_id:$scope_id"
[[ $azure_cli == false ]] || update_app "$server_id" preauthorize "client=$azure_cli_app_id:$scope_id"

if [[ $admin_consent == true ]]; then
  retry az ad app permission admin-consent --id "$server_id"
  retry az ad app permission admin-consent --id "$client_id"
  say 'Consent     granted for the whole tenant'
fi

# --- .env ---
if [[ $secrets == true && (-z $secret || $new_secret == true) ]]; then
  secret=$(retry az ad app credential reset --id "$server_id" --append --years 1 \
    --display-name register-apps --query password --output tsv --only-show-errors)
  say 'Secret      created, valid for one year'
fi
[[ -n $mapping_key || $secrets == false ]] || mapping_key=$(node -p "require('node:crypto').randomBytes(32).toString('base64')")
[[ -n $allowed_clients ]] || allowed_clients=$client_id
[[ $azure_cli == false || ,$allowed_clients, == *",$azure_cli_app_id,"* ]] || allowed_clients+=,$azure_cli_app_id
if [[ -z $origins || $own_redirects == true ]]; then
  for uri in "${spa_redirects[@]}"; do
    origin=$(origin_of "$uri")
    # /docs has the API's own origin, so it needs no CORS.
    [[ $origin == "$api_origin" || ,$origins, == *",$origin,"* ]] || origins+=${origins:+,}$origin
  done
fi

{
  printf '%s=%s\n' AZURE_TENANT_ID "$tenant_id" AZURE_CLIENT_ID "$server_id"
  [[ $secrets == false ]] || printf '%s=%s\n' AZURE_CLIENT_SECRET "$secret" IDENTITY_MAPPING_KEY "$mapping_key" \
    COMMUNICATION_SERVICES_CONNECTION_STRING "$connection_string"
  if [[ $authority_host != https://login.microsoftonline.com ]]; then
    printf '%s=%s\n' AZURE_AUTHORITY_HOST "$authority_host" GRAPH_ENDPOINT "$graph_endpoint"
  fi
  printf '%s=%s\n' ALLOWED_CLIENT_IDS "$allowed_clients" CORS_ALLOWED_ORIGINS "$origins"
} | node "$here/lib/envFile.mjs" set "$env_file"
if [[ $secrets == false ]]; then
  say "Settings    $env_file"
  exit 0
fi
say "Settings    $env_file (keep it secret)"

if [[ -z $connection_string$endpoint ]]; then
  say "Still to do: set COMMUNICATION_SERVICES_CONNECTION_STRING in $env_file (Azure portal > your Communication Services resource > Keys)."
fi
