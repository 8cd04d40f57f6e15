#!/usr/bin/env bash
# Runs the service, and compares it with libraries that other people use: access tokens with PyJWT and
# with npm's jose, and the signatures of webhooks with npm's stripe. It ends what it started.
# It needs Python 3.11 with venv, Node.js 20 and npm, and POSTGRES_URL has to name a server: with its data
# in memory, the service signs its tokens with a random secret, which the libraries don't know.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${POSTGRES_URL:-}" ]; then
  echo 'POSTGRES_URL is not set: the other libraries were left out.'
  exit
fi
work=$(mktemp -d)
server= database=libraries_$$

# Ends the service, and drops its database.
finish() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } || true
  psql --quiet "$POSTGRES_URL" --command "drop database if exists $database"
  rm -rf "$work"
}
trap finish EXIT
psql --quiet "$POSTGRES_URL" --command "create database $database"

cp site/interop/tokens.py site/interop/*.mjs "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyjwt==2.*
(cd "$work" && npm install --silent --no-audit --no-fund --no-package-lock jose@6 stripe@20)
# With the features that `cargo test` uses, so that nothing is compiled again after it.
cargo test --quiet --locked --no-run --test crash
program=$(realpath "${CARGO_TARGET_DIR:-target}/debug/service")

export DATABASE_URL=${POSTGRES_URL%/*}/$database JWT_SECRET=only-for-this-test-0123456789abcdef
export STRIPE_WEBHOOK_SECRET=whsec_only_for_this_test
: >"$work/log"
(cd "$work" && exec env SHOP_ADDRESS=127.0.0.1:0 STRIPE_SECRET_KEY=sk_test_unused \
  STRIPE_API=http://127.0.0.1:9 RUST_LOG=info "$program") >"$work/log" 2>&1 &
server=$!
until SHOP=$(grep -om1 'http://127.0.0.1:[0-9]*$' "$work/log"); do
  kill -0 "$server" || { cat "$work/log"; exit 1; }
  sleep 0.1
done
export SHOP

account='"email": "ada@shop.example", "password": "a flat white and a croissant"'
curl --fail --silent --show-error --json "{ $account, \"name\": \"Ada\" }" "$SHOP/customers" >/dev/null
TOKEN=$(curl --fail --silent --show-error --json "{ $account }" "$SHOP/sessions" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
export TOKEN

"$work/venv/bin/python" "$work/tokens.py"
node "$work/tokens.mjs"
node "$work/webhooks.mjs"
