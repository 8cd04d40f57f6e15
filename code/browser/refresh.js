// Exchanges the refresh token, in all tabs together only once at a time.

// ANCHOR: refresh
let exchange;

/** Returns a new access token. If an exchange is running, waits for its result. */
export function refresh() {
  exchange ??= navigator.locks.request("refresh", exchangeToken).finally(() => {
    exchange = undefined;
  });
  return exchange;
}

async function exchangeToken() {
  // While this tab waited for the lock, another tab may have stored a new token.
  const refresh_token = localStorage.getItem("refresh_token");
  const response = await fetch("/sessions/refresh", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refresh_token }),
  });
  if (!response.ok) throw new Error(`refresh: ${response.status}`);
  const pair = await response.json();
  localStorage.setItem("refresh_token", pair.refresh_token);
  return pair.access_token;
}
// ANCHOR_END: refresh
