#!/usr/bin/env bash
# Proves that what would be deployed starts and works: the built files and the production packages alone, in a folder of their own, as
# NODE_ENV=production, against the emulator, asked with curl.
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD
deployed=$(mktemp -d)
emulator_port=${EMULATOR_PORT:-18443}
port=${PORT:-13000}
url=http://127.0.0.1:$port

finish() {
  local code=$?
  kill "${server:-}" "${emulator:-}" 2>/dev/null || true
  [ "$code" = 0 ] || cat "$deployed"/*.log >&2 || true
  rm -rf "$deployed"
  exit "$code"
}
trap finish EXIT

npm run --silent build
npm run --silent build:emulator

cp -R package.json package-lock.json openapi.yaml dist "$deployed"
(cd "$deployed" && npm ci --omit=dev --omit=optional --silent --no-audit --no-fund)
if [ -d "$deployed/node_modules/@peculiar" ] || grep -rqsE 'require\(.[^)]*emulator' "$deployed/dist"; then
  echo 'The production files hold something of the emulator.' >&2
  exit 1
fi

EMULATOR_PORT=$emulator_port node build/emulator/main.js > "$deployed/emulator.log" 2>&1 &
emulator=$!
wait_for() {
  for _ in $(seq 1 100); do
    if "$@" > /dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  echo "gave up waiting for: $*" >&2
  return 1
}
wait_for curl -fsS --cacert .emulator/ca.pem "https://localhost:$emulator_port/_emulator/"

# The settings that a copied .env.sample gives, with the emulator's port.
(
  cd "$deployed"
  sed "s/localhost:8443/localhost:$emulator_port/g" "$project/.env.sample" > .env
  NODE_ENV=production PORT=$port NODE_EXTRA_CA_CERTS="$project/.emulator/ca.pem" exec node dist/server.js > server.log 2>&1
) &
server=$!
wait_for curl -fsS "$url/health/ready"

access_token=$(EMULATOR_PORT=$emulator_port npm run --silent token -- --user alice)
ask() {
  curl -sS -o "$deployed/answer.json" -w '%{http_code}' -H "Authorization: Bearer $access_token" "$@"
}
expect() {
  local wanted=$1
  shift
  local got
  got=$(ask "$@")
  if [ "$got" != "$wanted" ]; then
    echo "$* answered $got, not $wanted:" >&2
    cat "$deployed/answer.json" >&2
    exit 1
  fi
}
identity() {
  node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).user.communicationUserId' "$deployed/answer.json"
}

expect 200 "$url/getToken"
first=$(identity)
expect 200 "$url/api/user"
expect 204 -X DELETE "$url/deleteUser"
expect 404 "$url/api/user"
expect 200 "$url/getToken"
if [ "$(identity)" = "$first" ]; then
  echo 'After a delete the same identity came back.' >&2
  exit 1
fi
kill -TERM "$server"
wait "$server"
echo 'The built server works on its own: 200, 200, 204, 404, 200 with a new identity, and a clean stop.'
