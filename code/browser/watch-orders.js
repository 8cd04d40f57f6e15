// Shows each order as soon as it's placed.

// ANCHOR: watch
export function watchOrders(showOrder, loadOrders) {
  const events = new EventSource("/orders/watch");
  events.addEventListener("order", (event) => showOrder(JSON.parse(event.data)));
  // Only orders placed from now on arrive as events, so load the earlier ones.
  events.addEventListener("open", loadOrders);
  events.addEventListener("error", () => {
    // After an error status, for example, the browser doesn't reconnect by itself.
    if (events.readyState === EventSource.CLOSED) {
      setTimeout(() => watchOrders(showOrder, loadOrders), 5000);
    }
  });
}
// ANCHOR_END: watch
