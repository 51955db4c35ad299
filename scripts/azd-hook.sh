#!/usr/bin/env bash
# The hooks of `azd up` (azure.yaml).
#   preprovision    registers the two applications, and passes their IDs to the templates
#   postprovision   lets the managed identity act as AuthServer, where the server does that; then says what to do next
# From azd's environment (azd env set NAME VALUE) or the shell's: IDENTITY_STORE; SPA_REDIRECT_URIS, the redirect URIs of your
# single-page apps, separated by spaces; ALLOW_AZURE_CLI=true, to get a first token with the az CLI.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
# With the other files of this environment, which azd keeps out of source control.
registration=.azure/${AZURE_ENV_NAME:?runs as a hook of azd}/registration.env

register() {
  local uri args=(
    --no-secrets --env "$registration"
    --server-name "AuthServer-$AZURE_ENV_NAME" --client-name "AuthClient-$AZURE_ENV_NAME"
  )
  [[ ${IDENTITY_STORE:-table} == graph ]] || args+=(--no-graph)
  [[ ${ALLOW_AZURE_CLI:-false} != true ]] || args+=(--azure-cli)
  for uri in ${SPA_REDIRECT_URIS:-}; do
    args+=(--spa-redirect "$uri")
  done
  bash "$here/register-apps.sh" "${args[@]}" "$@"
}

registered() { node "$here/lib/envFile.mjs" get "$registration" "$1"; }

case ${1:-} in
  preprovision)
    mkdir -p "$(dirname "$registration")"
    register
    azd env set AUTH_SERVER_TENANT_ID "$(registered AZURE_TENANT_ID)"
    azd env set AUTH_SERVER_CLIENT_ID "$(registered AZURE_CLIENT_ID)"
    azd env set ALLOWED_CLIENT_IDS "$(registered ALLOWED_CLIENT_IDS)"
    azd env set CORS_ALLOWED_ORIGINS "$(registered CORS_ALLOWED_ORIGINS)"
    ;;
  postprovision)
    [[ ${IDENTITY_STORE:-table} != graph ]] || register --federated-credential "$MANAGED_IDENTITY_PRINCIPAL_ID"
    printf '%s\n' "Server      $WEB_APP_URL" "Scope       api://$(registered AZURE_CLIENT_ID)/access_as_user"
    ;;
  *)
    printf 'azd-hook: expected preprovision or postprovision\n' >&2
    exit 1
    ;;
esac
