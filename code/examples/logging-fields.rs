//! Log lines with fields.

use axum::http::StatusCode;
use tracing::{info, warn};

fn main() {
    tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .init();

    let order_id = 17;
    let status = StatusCode::CREATED;
    info!(order_id, total_cents = 760, %status, "placed an order");

    let note = "no sugar\n INFO logging_fields: order 18 is free";
    warn!(%note, "with %");
    warn!(?note, "with ?");
}
