#!/usr/bin/env bash
# Sends thousands of requests to the service and compares the responses with its OpenAPI document:
# signed in as a customer, as a barista and not at all, with the data in memory and, at the same time,
# if POSTGRES_URL names a server, in a database there.
#   site/interop/schemathesis.sh [EXAMPLES]   EXAMPLES is the largest number for each operation
# It needs Python 3.11 with venv. It prints the number of cases, and ends what it started.
set -euo pipefail
cd "$(dirname "$0")/../.."
examples=${1:-64} seed=20260302
source site/interop/service.sh

all=$(mktemp -d)
trap 'rm -rf "$all"' EXIT

if [ -z "${SCHEMATHESIS:-}" ]; then
  python3 -m venv "$all/venv"
  "$all/venv/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5
  SCHEMATHESIS=$all/venv/bin/schemathesis
fi
compile
settings=$PWD/code/service/schemathesis.toml
webhook=STRIPE_WEBHOOK_SECRET=whsec_schemathesis

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
  work=$all/memory
  mkdir "$work"
  trap finish EXIT
  start "$webhook" SHOP_BARISTA=tom@shop.example
  sign_up ada
  sign_up tom
  check_all 'in memory'
}

in_postgresql() {
  work=$all/postgresql
  mkdir "$work"
  trap finish EXIT
  make_database "schemathesis_$$"
  local secret
  secret=$(head -c 32 /dev/urandom | base64)
  start "$webhook" "DATABASE_URL=$url" "JWT_SECRET=$secret"
  sign_up ada
  sign_up tom
  (cd "$work" && env "DATABASE_URL=$url" "JWT_SECRET=$secret" "$program" make-barista tom@shop.example) >"$work/barista" 2>&1 ||
    { cat "$work/barista"; return 1; }
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
