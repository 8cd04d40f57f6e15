// Shows each order as soon as it's placed.

// ANCHOR: watch
export function watchOrders(showOrder, loadOrders) {
  const events = new EventSource("/orders/watch");
  events.addEventListener("order", (event) => showOrder(JSON.parse(event.data)));
  // Only orders placed from now on arrive as events, so load the earlier ones.
  events.addEventListener("open", loadOrders);
  events.addEventListener("error", () => {
    // After an error status, the browser doesn't reconnect automatically.
    if (events.readyState === EventSource.CLOSED) {
      setTimeout(() => watchOrders(showOrder, loadOrders), 5000);
    }
  });
}
// ANCHOR_END: watch
