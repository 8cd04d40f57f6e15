# Starts and ends the service for the scripts beside this file, which source it. Each caller sets
# `work`, the folder in which the service runs and logs, and gives the service a STRIPE_WEBHOOK_SECRET.

# Compiles the service and sets `program`. These are the features that `cargo test` uses, so that
# nothing is compiled again after it.
compile() {
  cargo test --quiet --locked --no-run --test crash
  program=$(realpath "${CARGO_TARGET_DIR:-target}/debug/service")
}

# make_database NAME: creates a database, and sets `database` to its name and `url` to its address.
make_database() {
  database=$1 url=${POSTGRES_URL%/*}/$1
  psql --quiet "$POSTGRES_URL" --command "create database $database"
}

# start VARIABLE=VALUE...: starts the service on a free port, in a folder without a file .env. Nothing
# answers at the address of Stripe that it gets. Sets `server` to its process and `address` to its
# address.
start() {
  : >"$work/log"
  (cd "$work" && exec env SHOP_ADDRESS=127.0.0.1:0 RUST_LOG=info STRIPE_API=http://127.0.0.1:1 \
    STRIPE_SECRET_KEY=sk_test_unused "$@" "$program") >"$work/log" 2>&1 &
  server=$!
  until address=$(grep -om1 'http://127.0.0.1:[0-9]*$' "$work/log"); do
    kill -0 "$server" || { cat "$work/log"; return 1; }
    sleep 0.1
  done
}

# Ends the service if it runs, and drops its database if it has one.
finish() {
  [ -z "${server:-}" ] || { kill "$server" && wait "$server"; } || true
  [ -z "${database:-}" ] || psql --quiet "$POSTGRES_URL" --command "drop database if exists $database"
}

password='a flat white and a croissant'

# send PATH JSON: sends a POST, and prints the body of the response.
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
