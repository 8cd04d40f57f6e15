#!/usr/bin/env bash
# Runs the Express program of the page "From Express to axum", and compares what it prints with what the axum
# program has printed (`cargo test` records and compares that). It needs Node.js 20 and npm.
#   site/interop/express.sh           fails if the two differ, or if a file has changed since they were compared
#   site/interop/express.sh --record  notes that these files were compared, in code/express/compared.txt
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp code/express/shop.js code/express/package.json "$work"
(cd "$work" && npm install --silent --no-audit --no-fund --no-package-lock && node shop.js >printed.txt)
diff -u code/output/from-express/from-express.txt "$work/printed.txt"

compared=(express/shop.js express/package.json output/from-express/from-express.txt)
if [ "${1:-}" = --record ]; then
  (cd code && sha256sum "${compared[@]}" >express/compared.txt)
else
  (cd code && sha256sum --check --quiet express/compared.txt)
fi
echo "Express: all $(grep -cE '(→|^) +[0-9]+: [0-9]{3}' "$work/printed.txt") responses are the same as axum's"
