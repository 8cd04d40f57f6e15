#!/usr/bin/env bash
# Sends thousands of requests to the service and compares the responses with its OpenAPI document:
# signed in as a customer, as a barista and not at all, with the data in memory and, at the same time,
# if POSTGRES_URL names a server, in a database there.
#   site/interop/schemathesis.sh [EXAMPLES]   EXAMPLES is the largest number for each operation
# It needs Python 3.11 with venv. It prints the number of cases, and ends what it started.
set -euo pipefail
cd "$(dirname "$0")/../.."
examples=${1:-60} seed=20260302

all=$(mktemp -d)
trap 'rm -rf "$all"' EXIT

if [ -z "${SCHEMATHESIS:-}" ]; then
  python3 -m venv "$all/venv"
  "$all/venv/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5
  SCHEMATHESIS=$all/venv/bin/schemathesis
fi
# With the features that `cargo test` uses, so that nothing is compiled again after it.
cargo test --quiet --locked --no-run --test crash
program=${CARGO_TARGET_DIR:-target}/debug/service
program=$(realpath "$program")
settings=$PWD/code/service/schemathesis.toml
password='a flat white and a croissant'

# start VARIABLE=VALUE...: starts the service on a free port, in a folder without a file .env. Nothing
# answers at the address of Stripe that it gets.
start() {
  : >"$work/log"
  (cd "$work" && exec env SHOP_ADDRESS=127.0.0.1:0 RUST_LOG=info STRIPE_API=http://127.0.0.1:1 \
    STRIPE_SECRET_KEY=sk_test_schemathesis STRIPE_WEBHOOK_SECRET=whsec_schemathesis "$@" "$program") >"$work/log" 2>&1 &
  server=$!
  until address=$(grep -om1 'http://127.0.0.1:[0-9]*' "$work/log"); do
    kill -0 "$server" || { cat "$work/log"; return 1; }
    sleep 0.1
  done
}

# Ends the service, and drops its database if it has one.
finish() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } || true
  [ -z "$database" ] || psql --quiet "$POSTGRES_URL" --command "drop database if exists $database"
}

send() {
  curl --fail --silent --show-error --json "$2" "$address/$1"
}

# sign_up NAME: makes an account.
sign_up() {
  send customers "{\"email\": \"$1@shop.example\", \"password\": \"$password\", \"name\": \"$1\"}" >/dev/null
}

# sign_in NAME: prints an access token.
sign_in() {
  send sessions "{\"email\": \"$1@shop.example\", \"password\": \"$password\"}" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'
}

# check TITLE [OPTION...]: runs schemathesis, and prints its summary.
check() {
  local title=$1
  shift
  # schemathesis writes a folder into the one where it runs.
  if ! (cd "$work" && "$SCHEMATHESIS" --config-file "$settings" run "$address/openapi.json" \
    --seed "$seed" --max-examples "$examples" --no-color "$@") >"$work/report" 2>&1; then
    cat "$work/report"
    return 1
  fi
  printf '%s: %s\n' "$title" "$(grep -oE '[0-9,]+ generated.*' "$work/report")"
}

check_all() {
  check "$1, not signed in"
  check "$1, as a customer" --header "Authorization: Bearer $(sign_in ada)"
  check "$1, as a barista" --header "Authorization: Bearer $(sign_in tom)"
}

# This and `in_postgresql` each run in a shell of their own.
in_memory() {
  work=$all/memory server= database=
  mkdir "$work"
  trap finish EXIT
  start SHOP_BARISTA=tom@shop.example
  sign_up ada
  sign_up tom
  check_all 'in memory'
}

in_postgresql() {
  work=$all/postgresql server= database=schemathesis_$$
  mkdir "$work"
  trap finish EXIT
  psql --quiet "$POSTGRES_URL" --command "create database $database"
  local url=${POSTGRES_URL%/*}/$database secret
  secret=$(head -c 32 /dev/urandom | base64)
  start "DATABASE_URL=$url" "JWT_SECRET=$secret"
  sign_up ada
  sign_up tom
  (cd "$work" && env "DATABASE_URL=$url" "JWT_SECRET=$secret" "$program" make-barista tom@shop.example) >"$work/barista" 2>&1
  check_all 'in PostgreSQL'
}

(in_memory) &
running=($!)
if [ -n "${POSTGRES_URL:-}" ]; then
  (in_postgresql) &
  running+=($!)
else
  echo 'POSTGRES_URL is not set: PostgreSQL was left out.'
fi
status=0
for job in "${running[@]}"; do
  wait "$job" || status=1
done
exit "$status"
