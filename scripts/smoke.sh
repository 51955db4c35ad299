#!/usr/bin/env bash
# Tests the deployable: copies the built files and the production packages alone to an empty folder, starts the server with
# NODE_ENV=production against the emulator, and calls it with curl.
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
  echo 'The production files contain parts of the emulator.' >&2
  exit 1
fi

EMULATOR_PORT=$emulator_port node build/emulator/main.js > "$deployed/emulator.log" 2>&1 &
emulator=$!
wait_for() {
  for _ in $(seq 1 100); do
    if "$@" > /dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  echo "timed out waiting for: $*" >&2
  return 1
}
wait_for curl -fsS --cacert .emulator/ca.pem "https://localhost:$emulator_port/_emulator/"

# The settings of .env.sample, with the emulator's port.
(
  cd "$deployed"
  sed "s/localhost:8443/localhost:$emulator_port/g" "$project/.env.sample" > .env
  NODE_ENV=production PORT=$port NODE_EXTRA_CA_CERTS="$project/.emulator/ca.pem" exec node dist/server.js > server.log 2>&1
) &
server=$!
wait_for curl -fsS "$url/health/ready"

access_token=$(EMULATOR_PORT=$emulator_port npm run --silent token -- --user alice)
call() {
  curl -sS -o "$deployed/response.json" -w '%{http_code}' -H "Authorization: Bearer $access_token" "$@"
}
expect() {
  local expected=$1
  shift
  local status
  status=$(call "$@")
  if [ "$status" != "$expected" ]; then
    echo "expected status $expected, got $status: $*" >&2
    cat "$deployed/response.json" >&2
    exit 1
  fi
}
identity() {
  node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).user.communicationUserId' "$deployed/response.json"
}

expect 200 "$url/getToken"
first=$(identity)
expect 200 "$url/api/user"
expect 204 -X DELETE "$url/deleteUser"
expect 404 "$url/api/user"
expect 200 "$url/getToken"
if [ "$(identity)" = "$first" ]; then
  echo 'The identity is the same as before it was deleted.' >&2
  exit 1
fi
kill -TERM "$server"
wait "$server"
echo 'The built server works: 200, 200, 204, 404, 200 with a new identity, and a clean shutdown.'
