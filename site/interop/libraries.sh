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
source site/interop/service.sh
work=$(mktemp -d)
trap 'finish; rm -rf "$work"' EXIT
make_database "libraries_$$"

cp site/interop/tokens.py site/interop/*.mjs "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyjwt==2.*
(cd "$work" && npm install --silent --no-audit --no-fund --no-package-lock jose@6 stripe@20)
compile

# The libraries read these, too.
export SHOP_URL=https://shop.example JWT_SECRET=only-for-this-test-0123456789abcdef
export STRIPE_WEBHOOK_SECRET=whsec_only_for_this_test
start "DATABASE_URL=$url"
sign_up ada
SHOP=$address TOKEN=$(sign_in ada)
export SHOP TOKEN

"$work/venv/bin/python" "$work/tokens.py"
node "$work/tokens.mjs"
node "$work/webhooks.mjs"
