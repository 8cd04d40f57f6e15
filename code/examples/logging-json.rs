//! A log line in JSON.

use tracing::{info, info_span};

fn main() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .without_time()
        .init();

    let span = info_span!("request", request_id = "7f3a", method = "POST");
    let _entered = span.enter();
    info!(order_id = 17, total_cents = 760, "placed an order");
}
