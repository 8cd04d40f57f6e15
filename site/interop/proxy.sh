#!/usr/bin/env bash
# Runs the shop behind Caddy with the shop's own Caddyfile, and checks the Caddyfile for HTTP/2 with Caddy's
# checker and the unit file with systemd's.
# It ends what it started. It needs Caddy, systemd-analyze, curl and Python 3.11.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
started=()
finish() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null && wait "$process" || true; done
  rm -rf "$work"
}
trap finish EXIT

# A free port of this machine: the system chooses it, and nothing listens there yet.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# caddy_for UPSTREAM: starts Caddy in front of that address, and sets `proxy` to the address of Caddy.
caddy_for() {
  local port
  port=$(free_port)
  proxy=http://127.0.0.1:$port
  # Without TLS, a certificate and the API for administrators, which tests on one machine can't have.
  sed -e "s#^shop.example.com#$proxy#" -e "s#127.0.0.1:4000#$1#" -e '0,/^{$/s//{\n\tadmin off/' \
    code/shop/deploy/Caddyfile >"$work/Caddyfile"
  HOME=$work caddy run --adapter caddyfile --config "$work/Caddyfile" >"$work/caddy.log" 2>&1 &
  started+=($!)
  until curl --silent --output /dev/null "$proxy/"; do
    kill -0 "${started[-1]}" || { cat "$work/caddy.log"; return 1; }
    sleep 0.1
  done
}

for file in Caddyfile Caddyfile-http2; do
  caddy validate --adapter caddyfile --config "code/shop/deploy/$file" >"$work/validate" 2>&1 ||
    { cat "$work/validate"; exit 1; }
done

# systemd's checker insists that the program exists.
sed 's#^ExecStart=.*#ExecStart=/bin/true#' code/shop/deploy/shop.service >"$work/shop.service"
systemd-analyze verify "$work/shop.service"

cargo build --quiet --locked --package shop
SHOP_ADDRESS=127.0.0.1:0 SHOP_DATABASE=$work/shop.db target/debug/shop >"$work/shop.log" 2>&1 &
started+=($!)
until upstream=$(grep -o '127\.0\.0\.1:[0-9]*' "$work/shop.log" | tail -n 1) && [ -n "$upstream" ]; do
  kill -0 "${started[-1]}" || { cat "$work/shop.log"; exit 1; }
  sleep 0.1
done
caddy_for "$upstream"
curl --fail --silent --show-error "$proxy/menu" >"$work/menu.json"
python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))) > 0' "$work/menu.json"
placed=$(curl --silent --output /dev/null --write-out '%{http_code}' --json '{"customer": "Ada", "item": "tea", "quantity": 1}' "$proxy/orders")
[ "$placed" = 201 ] || { echo "an order through Caddy: $placed, expected 201"; exit 1; }

# A server that never closes a connection says when Caddy closes one that is idle.
cat >"$work/idle.py" <<'PYTHON'
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    answered = time.monotonic()
    if connection.recv(65536) == b"":
        print(f"{time.monotonic() - answered:.1f}", flush=True)
        break
PYTHON
python3 "$work/idle.py" >"$work/idle" &
started+=($!)
until [ -s "$work/idle" ]; do sleep 0.1; done
caddy_for "127.0.0.1:$(cat "$work/idle")"
wait "${started[-2]}"
closed=$(tail -n 1 "$work/idle")
python3 -c 'import sys; closed = float(sys.argv[1]); assert closed < 5, f"Caddy closed an idle connection after {closed} s: the shop does after 5"' "$closed"
echo "Caddy: the menu and an order pass; an idle connection is closed after $closed s. systemd: the unit file is valid"
